import { secureRoute } from '../auth/route-security.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import type { Service, ServiceScope } from './define-service.ts';
import { linkPages } from './page-links.ts';
import { createRouteCheck } from './route-checks.ts';
import { completeRoute } from './route-responses.ts';
import { sendSlices } from './sliced-list.ts';

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

/** Adds the schemas of a service to its scope, and checks and completes each route that the service adds. */
export function prepareScope(
  scope: ServiceScope,
  { name, schemas = [], scopes = {} }: Service,
  { knownScopes, serviceNames }: KnownNames,
): void {
  for (const schema of schemas) scope.addSchema(schema);
  const getSchema = (id: string) => scope.getSchema(id);
  const check = createRouteCheck(name, getSchema);
  scope.addHook('onRoute', (route) => {
    check(route);
    secureRoute(route, { service: name, scopes, knownScopes, services: serviceNames });
    completeRoute(route, name, getSchema);
    linkPages(route);
    sendSlices(route);
  });
}
