import type { FastifyInstance, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import { DefinitionError } from '../errors/definition-error.ts';

/** The paths at which every service has a GET route. */
const reserved = ['/', '/health', '/ready', '/openapi.json', '/docs'];

/** A route as an `onRoute` hook gets it. */
export type AddedRoute = RouteOptions & { readonly routePath: string };

/** Finds mistakes in the routes of a service when they are added. @throws {DefinitionError} */
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

    function claim(owners: Map<string, string>, thing: string, target: string, relation: string): void {
      const owner = owners.get(thing);
      if (owner !== undefined)
        throw new DefinitionError(`${service}: ${target} ${relation} ${owner}: change one of them`);
      owners.set(thing, target);
    }

    function findMistake(app: FastifyInstance, route: AddedRoute, path: string): string | undefined {
      const { schema = {}, routePath, url } = route;
      if ((routePath !== '' && !routePath.startsWith('/')) || !`${url}/`.startsWith(`${prefix}/`))
        return `has a path that does not begin with "/": write "/${routePath}"`;
      if (String(route.method).includes('GET') && reserved.includes(normalize(path)))
        return 'is a path that every service has: choose another one';
      const lost = findMissingSchema(app, schema);
      if (lost !== undefined) return `refers to the schema ${lost}, which is not among schemas: add it there`;
      const text = schema.body === undefined ? undefined : findUnboundedString(app, schema.body);
      if (text !== undefined) return `takes the string ${text} without a limit: add maxLength to its schema`;
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

/** A path without its trailing slash and the names of its parameters, in which two paths can differ and be one route. */
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

/** Visits a schema and all below it, those that it refers to too; stops when `visit` returns something. */
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

/** The pointer of a string in a body that may have any length. */
function findUnboundedString(app: FastifyInstance, body: unknown): string | undefined {
  return search(resolver(app), body, ({ type, maxLength, const: only, enum: some }, pointer) =>
    [type].flat().includes('string') && maxLength === undefined && only === undefined && some === undefined
      ? pointer || '/'
      : undefined,
  );
}

/** The name of a schema that a route refers to and that the service does not list. */
function findMissingSchema(app: FastifyInstance, schema: object): string | undefined {
  const resolve = resolver(app);
  return search(resolve, schema, ({ $ref }) =>
    typeof $ref === 'string' && !$ref.startsWith('#') && resolve($ref) === undefined
      ? $ref.replace(/#.*$/, '')
      : undefined,
  );
}
