/** The principal of a call: the service that calls, or the caller of its request. */
export type ActsAs = 'service' | 'caller';

/** The user or service that a request acts for. Services read it with `getCaller`. */
export interface Principal {
  /** `service`: a service that acts for itself. `user`: the owner of a token. */
  readonly kind: 'anonymous' | 'user' | 'service';
  /** The `sub` of the token, or the name of the service. Undefined if the kind is `anonymous`. */
  readonly sub: string | undefined;
  /** The permissions of the token. Empty for a service. */
  readonly scopes: readonly string[];
  /** The `sid` of the token: the session that it belongs to. */
  readonly session: string | undefined;
  /** The service that called on behalf of the user. Undefined for a request of a client. */
  readonly via: string | undefined;
}

/** A request without a credential, and every request if `auth` is not configured. */
export const anonymous: Principal = {
  kind: 'anonymous',
  sub: undefined,
  scopes: [],
  session: undefined,
  via: undefined,
};

/** Returns the principal of a service that acts for itself. */
export function servicePrincipal(sub: string): Principal {
  return { kind: 'service', sub, scopes: [], session: undefined, via: undefined };
}
