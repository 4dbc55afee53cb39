import { routeSecurity } from '../auth/route-security.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import type { Service, ServiceScope } from './define-service.ts';
import { pageLinks } from './page-links.ts';
import { routeChecks } from './route-checks.ts';
import { routeResponses } from './route-responses.ts';
import { slicedLists } from './sliced-list.ts';

/** The names that the `security` of a route may use. */
export interface KnownNames {
  /** The scopes of all services. */
  readonly knownScopes: ReadonlySet<string>;
  /** The names of all services. */
  readonly serviceNames: ReadonlySet<string>;
}

/** Checks that each schema of a service has its own `$id`. @throws {DefinitionError} */
export function checkSchemas({ name, schemas = [] }: Service): void {
  const ids = new Set<string>();
  for (const { $id } of schemas) {
    if ($id === undefined)
      throw new DefinitionError(`${name}: one of its schemas has no $id: add one, as in { $id: 'Pet' }`);
    if (ids.has($id))
      throw new DefinitionError(`${name}: two of its schemas have the $id ${$id}: remove or rename one`);
    ids.add($id);
  }
}

/** Checks and completes the routes of a service. */
export async function prepareScope(
  scope: ServiceScope,
  { name, schemas = [], scopes = {} }: Service,
  { knownScopes, serviceNames }: KnownNames,
): Promise<void> {
  for (const schema of schemas) scope.addSchema(schema);
  await scope.register(routeChecks, { service: name, prefix: `/${name}` });
  const known = { knownScopes, services: serviceNames };
  await scope.register(routeSecurity, { service: name, scopes, ...known });
  await scope.register(routeResponses, { service: name, tag: name });
  await scope.register(pageLinks);
  await scope.register(slicedLists);
}
