import type { RouteOptions } from 'fastify';
import { expect, test } from 'vitest';
import { secureRoute } from '../../../src/framework/auth/route-security.ts';

/** Reads the `security` of a route of the service `pet`. Undefined: the route is open. */
function secure(
  security: unknown,
  method: RouteOptions['method'] = 'GET',
  scopes: object = { 'pet:read': '' },
) {
  const schema = security === undefined ? {} : { security };
  const route = {
    ...{ method, url: '/pets/', routePath: '/pets/' },
    schema,
    handler: () => {},
  } as Parameters<typeof secureRoute>[0];
  secureRoute(route, {
    service: 'pet',
    scopes: scopes as Record<string, string>,
    knownScopes: new Set(['pet:read', 'pet:write']),
    services: new Set(['pet', 'user']),
  });
  expect(route.schema?.security ?? []).toEqual(route.config?.security ?? security ?? []);
  return route.config?.security;
}

test.for([
  [[{ apiKey: [] }], 'pet: GET /pets/ needs the security scheme apiKey: the schemes are bearer and service'],
  [
    [{ bearer: ['pet:read', 'pet:raed'] }],
    'pet: GET /pets/ needs the scope pet:raed, which no service declares (known: pet:read, pet:write): add it to scopes',
  ],
  [
    [{ bearer: ['pet:read'] }, { service: ['user', 'toy'] }],
    'pet: GET /pets/ lets the service toy call it, which does not exist (known: pet, user)',
  ],
] as const)('a mistake in the security of a route is one line: %j', ([security, message]) => {
  expect(() => secure(security)).toThrow(message);
});

test('a route without `security` needs the scope for its method if its service declares it', () => {
  const needs = (scope: string) => [{ bearer: [scope] }, { service: [] }];
  const both = { 'pet:read': '', 'pet:write': '' };
  for (const method of ['GET', 'HEAD', ['GET', 'HEAD']])
    expect(secure(undefined, method, both)).toEqual(needs('pet:read'));
  for (const method of ['POST', 'DELETE', ['GET', 'POST']])
    expect(secure(undefined, method, both)).toEqual(needs('pet:write'));
  expect(secure(undefined, 'POST')).toBe(undefined);
});

test('the security of a route replaces the default, and an empty list makes the route open', () => {
  const security = [{ bearer: ['pet:write'] }];
  expect(secure(security)).toEqual(security);
  expect(secure([])).toBe(undefined);
});
