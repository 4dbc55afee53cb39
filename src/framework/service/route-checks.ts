import type { FastifyInstance, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import { DefinitionError } from '../errors/definition-error.ts';

/** The paths of the system routes, which are GET routes of every service. */
const reserved = ['/', '/health', '/ready', '/openapi.json', '/docs'];

/** A route in an `onRoute` hook. */
export type AddedRoute = RouteOptions & { readonly routePath: string };

/** Checks each route that a service adds. @throws {DefinitionError} if a route has a mistake. */
export const routeChecks = fp<{ readonly service: string; readonly prefix: string }>(
  async (scope, { service, prefix }) => {
    const routes = new Map<string, string>();
    const operationIds = new Map<string, string>();

    scope.addHook('onRoute', (route) => {
      const methods = [route.method].flat().filter((method) => method !== 'HEAD');
      if (methods.length === 0) return;
      const path = route.url.slice(prefix.length) || '/';
      const target = `${methods.join(',')} ${route.routePath || '/'}`;
      const mistake = findMistake(scope, route, path);
      if (mistake !== undefined) throw new DefinitionError(`${service}: ${target} ${mistake}`);
      for (const method of methods)
        claim(routes, `${method} ${normalize(path)}`, target, 'is the same route as');
      const operationId = route.schema?.operationId;
      if (operationId !== undefined)
        claim(operationIds, operationId, target, `has the operationId ${operationId} of`);
    });

    function claim(owners: Map<string, string>, name: string, target: string, relation: string): void {
      const owner = owners.get(name);
      if (owner !== undefined)
        throw new DefinitionError(`${service}: ${target} ${relation} ${owner}: change one of them`);
      owners.set(name, target);
    }

    function findMistake(app: FastifyInstance, route: AddedRoute, path: string): string | undefined {
      const { schema = {}, routePath, url } = route;
      if ((routePath !== '' && !routePath.startsWith('/')) || !`${url}/`.startsWith(`${prefix}/`))
        return `has a path that does not begin with "/": write "/${routePath}"`;
      if (String(route.method).includes('GET') && reserved.includes(normalize(path)))
        return 'is a path that every service has: choose another one';
      const missing = findMissingSchema(app, schema);
      if (missing !== undefined)
        return `refers to the schema ${missing}, which the service does not list: add it to schemas`;
      const unbounded = schema.body === undefined ? undefined : findUnboundedString(app, schema.body);
      if (unbounded !== undefined)
        return `takes the string ${unbounded} without a limit: add maxLength to its schema`;
      if (schema.hide === true) return undefined;
      if (schema.operationId === undefined)
        return `has no operationId: add one to its schema, for example operationId: '${suggestId(route, path)}'`;
      const hasSuccess = Object.keys(schema.response ?? {}).some((status) => /^([23]|default)/.test(status));
      if (!hasSuccess) return 'has no schema for its success: add response: { 200: … } to its schema';
      return undefined;
    }
  },
  { name: 'route-checks' },
);

/** Removes the trailing slash and the names of parameters, which do not distinguish routes. */
function normalize(path: string): string {
  return path.replace(/(.)\/$/, '$1').replace(/:\w+/g, ':');
}

function suggestId({ method }: RouteOptions, path: string): string {
  const verbs: Readonly<Record<string, string>> = {
    GET: 'read',
    POST: 'create',
    PATCH: 'update',
    PUT: 'replace',
  };
  const noun = path.split('/').findLast((part) => /^[a-z]/i.test(part)) ?? 'it';
  const verb = verbs[String(method)] ?? String(method).toLowerCase();
  return `${verb}${noun[0]?.toUpperCase()}${noun.slice(1).replace(/\W+(\w)/g, (_, letter) => letter.toUpperCase())}`;
}

type Schema = Readonly<Record<string, unknown>>;

/** Visits a schema, its subschemas and their references. Stops when `visit` returns a value, and returns that value. */
function search<Result>(
  resolve: (ref: string) => Schema | undefined,
  node: unknown,
  visit: (schema: Schema, pointer: string) => Result | undefined,
  pointer = '',
  seen = new Set<unknown>(),
): Result | undefined {
  if (typeof node !== 'object' || node === null || seen.has(node)) return undefined;
  seen.add(node);
  const schema = node as Schema;
  const own = Array.isArray(node) ? undefined : visit(schema, pointer);
  if (own !== undefined) return own;
  if (typeof schema.$ref === 'string') return search(resolve, resolve(schema.$ref), visit, pointer, seen);
  for (const [key, value] of Object.entries(schema)) {
    if (['enum', 'const', 'default', 'examples', 'example'].includes(key)) continue;
    const children =
      key === 'properties' || key === 'patternProperties' ? Object.entries(value as Schema) : undefined;
    const found =
      children === undefined
        ? search(resolve, value, visit, key === 'items' ? `${pointer}/0` : pointer, seen)
        : children
            .map(([name, child]) => search(resolve, child, visit, `${pointer}/${name}`, seen))
            .find((one) => one !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

function resolver(app: FastifyInstance) {
  return (ref: string) => app.getSchema(ref.replace(/#.*$/, '')) as Schema | undefined;
}

/** Finds a string of a body without a maximum length. Returns its JSON pointer. */
function findUnboundedString(app: FastifyInstance, body: unknown): string | undefined {
  return search(resolver(app), body, ({ type, maxLength, const: only, enum: some }, pointer) =>
    [type].flat().includes('string') && maxLength === undefined && only === undefined && some === undefined
      ? pointer || '/'
      : undefined,
  );
}

/** Finds a schema that a route refers to and that the service does not list. Returns its name. */
function findMissingSchema(app: FastifyInstance, schema: object): string | undefined {
  const resolve = resolver(app);
  return search(resolve, schema, ({ $ref }) =>
    typeof $ref === 'string' && !$ref.startsWith('#') && resolve($ref) === undefined
      ? $ref.replace(/#.*$/, '')
      : undefined,
  );
}
