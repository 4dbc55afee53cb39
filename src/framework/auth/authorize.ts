import type { Principal } from '../context/principal.ts';
import { Problem } from '../errors/problem.ts';

/** One alternative of the `security` of a route. All members must hold (OpenAPI 3.1, security requirement object). */
export interface Requirement {
  /** A token of a user with all of these scopes. */
  readonly bearer?: readonly string[];
  /** A call of one of these services. Empty: of any service. */
  readonly service?: readonly string[];
}

/** 401: the request has no credential, and needs one (RFC 6750, section 3). */
export function credentialMissing(): Problem {
  return new Problem(401, 'A credential is needed', {
    type: 'urn:problem-type:credential-missing',
    headers: { 'www-authenticate': 'Bearer' },
  });
}

/** 401: the credential is not valid. The text is always the same; only the log has the reason. */
export function credentialInvalid(): Problem {
  return new Problem(401, 'The credential is not valid', {
    type: 'urn:problem-type:credential-invalid',
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  });
}

/** 403: the credential is valid, but lacks scopes, or belongs to a user or a service that may not call the route. */
function scopeMissing(scopes: readonly string[], isForServices: boolean): Problem {
  const list = scopes.join(' ');
  const allowed = isForServices ? 'another service' : 'a user';
  const detail = list === '' ? `Only ${allowed} may do this` : `The credential lacks the scope ${list}`;
  const scope = list === '' ? '' : `, scope="${list}"`;
  return new Problem(403, detail, {
    type: 'urn:problem-type:scope-missing',
    headers: { 'www-authenticate': `Bearer error="insufficient_scope"${scope}` },
  });
}

/** Returns why a principal may not call a route. Undefined: it may. */
export function findRefusal(
  principal: Principal,
  security: readonly Requirement[] | undefined,
): Problem | undefined {
  if (security === undefined || security.some((requirement) => isMet(principal, requirement)))
    return undefined;
  if (principal.kind === 'anonymous') return credentialMissing();
  const needed = security.find(({ bearer }) => bearer !== undefined)?.bearer ?? [];
  const missing = needed.filter((scope) => !principal.scopes.includes(scope));
  const isForServices = security.some(({ service }) => service !== undefined);
  return scopeMissing(missing, isForServices);
}

function isMet({ kind, sub, scopes, via }: Principal, { bearer, service }: Requirement): boolean {
  if (bearer !== undefined && !(kind === 'user' && bearer.every((scope) => scopes.includes(scope))))
    return false;
  if (service === undefined) return true;
  // A call for a user has only the rights of that user.
  if (bearer === undefined && kind === 'user') return false;
  const name = kind === 'service' ? sub : via;
  return name !== undefined && (service.length === 0 || service.includes(name));
}
