import type { RouteOptions } from 'fastify';
import { DefinitionError } from '../errors/definition-error.ts';
import { findSchemaMistake } from './schema-mistakes.ts';

/** The paths of the system routes, which are GET routes of every service. */
const reserved = ['/', '/health', '/ready', '/openapi.json', '/docs'];

/** A route in an `onRoute` hook. */
export type AddedRoute = RouteOptions & { readonly routePath: string };

/**
 * Creates the check of each route that a service adds.
 * @param getSchema returns a schema of the service by its `$id`.
 * @throws {DefinitionError} if a route has a mistake.
 */
export function createRouteCheck(
  service: string,
  getSchema: (id: string) => unknown,
): (route: AddedRoute) => void {
  const prefix = `/${service}`;
  const routes = new Map<string, string>();
  const operationIds = new Map<string, string>();

  function claim(owners: Map<string, string>, name: string, target: string, relation: string): void {
    const owner = owners.get(name);
    if (owner !== undefined)
      throw new DefinitionError(`${service}: ${target} ${relation} ${owner}: change one of them`);
    owners.set(name, target);
  }

  function findMistake(route: AddedRoute, path: string): string | undefined {
    const { schema = {}, routePath, url } = route;
    if ((routePath !== '' && !routePath.startsWith('/')) || !`${url}/`.startsWith(`${prefix}/`))
      return `has a path that does not begin with "/": write "/${routePath}"`;
    if (String(route.method).includes('GET') && reserved.includes(normalize(path)))
      return 'is a path that every service has: choose another one';
    const inSchema = findSchemaMistake(url, schema, getSchema);
    if (inSchema !== undefined || schema.hide === true) return inSchema;
    if (/[?*]$/.test(url))
      return `has ${url.endsWith('?') ? 'an optional parameter' : 'a wildcard'}, which OpenAPI does not have: write several routes, or add hide: true to its schema`;
    if (schema.operationId === undefined)
      return `has no operationId: add one to its schema, for example operationId: '${suggestId(route, path)}'`;
    const hasSuccess = Object.keys(schema.response ?? {}).some((status) => /^([23]|default)/.test(status));
    if (!hasSuccess) return 'has no schema for its success: add response: { 200: … } to its schema';
    if (Array.isArray(route.method) && route.method.length > 1)
      return `has the operationId ${schema.operationId} for several methods: write a route for each method`;
    return undefined;
  }

  return (route) => {
    const methods = [route.method].flat().filter((method) => method !== 'HEAD');
    if (methods.length === 0) return;
    const path = route.url.slice(prefix.length) || '/';
    const target = `${methods.join(',')} ${route.routePath || '/'}`;
    const mistake = findMistake(route, path);
    if (mistake !== undefined) throw new DefinitionError(`${service}: ${target} ${mistake}`);
    for (const method of methods)
      claim(routes, `${method} ${normalize(path)}`, target, 'is the same route as');
    const operationId = route.schema?.operationId;
    if (operationId !== undefined)
      claim(operationIds, operationId, target, `has the operationId ${operationId} of`);
  };
}

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
