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

test.for<[string, Principal, readonly Requirement[], string, string | undefined]>([
  [
    'a user who lacks one scope',
    userWith('a:read'),
    [both],
    'The credential lacks the scope b:read',
    'b:read',
  ],
  [
    'a user who lacks two scopes',
    userWith('c:read'),
    [both],
    'The credential lacks the scope a:read b:read',
    'a:read b:read',
  ],
  [
    'a user where only services may call',
    userWith('a:read'),
    [{ service: [] }],
    'Only another service may do this',
    undefined,
  ],
  [
    'a service where only users may call',
    servicePrincipal('user'),
    [{ bearer: [] }],
    'Only a user may do this',
    undefined,
  ],
  [
    'a service that the route does not name',
    servicePrincipal('desk'),
    [{ service: ['user'] }],
    'Only another service may do this',
    undefined,
  ],
])('the refusal of %s says what is missing', ([, principal, security, detail, scope]) => {
  const refusal = findRefusal(principal, security);
  const parameter = scope === undefined ? '' : `, scope="${scope}"`;
  expect(refusal?.message).toBe(detail);
  expect(refusal?.headers['www-authenticate']).toBe(`Bearer error="insufficient_scope"${parameter}`);
});
