import { expect, test } from 'vitest';
import { findRefusal, type Requirement } from '../../../src/framework/auth/authorize.ts';
import { anonymous, type Principal, servicePrincipal } from '../../../src/framework/context/principal.ts';

const userWith = (...scopes: string[]): Principal => ({ ...anonymous, kind: 'user', sub: '1', scopes });
const both: Requirement = { bearer: ['a:read', 'b:read'] };
const either: readonly Requirement[] = [{ bearer: ['a:read'] }, { bearer: ['b:read'] }];

test.for<[string, Principal, readonly Requirement[], number | undefined]>([
  ['both scopes of a requirement', userWith('a:read', 'b:read'), [both], undefined],
  ['one of two scopes of a requirement', userWith('a:read'), [both], 403],
  ['the scope of one of two alternatives', userWith('b:read'), either, undefined],
  ['the scope of no alternative', userWith('c:read'), either, 403],
  ['no credential', anonymous, either, 401],
  ['no credential, where any user may call', anonymous, [{ bearer: [] }], 401],
  ['a service where any user may call', servicePrincipal('user'), [{ bearer: [] }], 403],
  ['a service where any may call', servicePrincipal('user'), [{ service: [] }], undefined],
  ['a service that the route names', servicePrincipal('user'), [{ service: ['user'] }], undefined],
  ['a service that the route does not name', servicePrincipal('desk'), [{ service: ['user'] }], 403],
  ['a service where a user is needed', servicePrincipal('user'), [both], 403],
  [
    'a user through a service',
    { ...userWith('a:read', 'b:read'), via: 'user' },
    [{ ...both, service: ['user'] }],
    undefined,
  ],
  [
    'a user through another service',
    { ...userWith('a:read', 'b:read'), via: 'desk' },
    [{ ...both, service: ['user'] }],
    403,
  ],
  [
    'a user without the scope through a service, where services may call too',
    { ...userWith('c:read'), via: 'user' },
    [{ bearer: ['a:read'] }, { service: [] }],
    403,
  ],
  [
    'a user through a service, where services alone may call',
    { ...userWith('a:read'), via: 'user' },
    [{ service: [] }],
    403,
  ],
  ['a user without a service', userWith('a:read', 'b:read'), [{ ...both, service: [] }], 403],
])('a request with %s', ([, principal, security, status]) => {
  expect(findRefusal(principal, security)?.status).toBe(status);
});
