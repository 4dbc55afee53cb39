import type { RouteOptions } from 'fastify';
import { safeMethods } from '../context/methods.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import type { Requirement } from './authorize.ts';

declare module 'fastify' {
  interface FastifySchema {
    /** Whether the response has secrets. It is never stored under an idempotency key. */
    secret?: boolean;
  }
  interface FastifyContextConfig {
    /** The alternatives, one of which must hold. Absent: the route is open. */
    security?: readonly Requirement[];
  }
}

interface RouteSecurityOptions {
  readonly service: string;
  /** The scopes that the service declares. */
  readonly scopes: Readonly<Record<string, string>>;
  /** The scopes of all services. */
  readonly knownScopes: ReadonlySet<string>;
  /** The names of all services. */
  readonly services: ReadonlySet<string>;
}

/**
 * Reads the `security` of a route of a service, and writes the default into its schema. A route without `security` needs
 * the scope `<service>:read` if its method is safe, and `<service>:write` otherwise, if the service declares that scope.
 * Other services may call such a route too. `security: []` makes a route open.
 * @throws {DefinitionError} if the route names an unknown scheme, scope or service.
 */
export function secureRoute(
  route: RouteOptions & { readonly routePath: string },
  options: RouteSecurityOptions,
): void {
  const security = route.schema?.security ?? defaultSecurity(route, options);
  const mistake = findMistake(security, options);
  if (mistake !== undefined)
    throw new DefinitionError(`${options.service}: ${route.method} ${route.routePath} ${mistake}`);
  if (security.length === 0) return;
  route.config = { ...route.config, security: security as readonly Requirement[] };
  if (route.schema === undefined) return;
  route.schema = { ...route.schema, security: security as never };
}

function defaultSecurity(
  { method }: RouteOptions,
  { service, scopes }: RouteSecurityOptions,
): readonly Requirement[] {
  const isSafe = [method].flat().every((one) => safeMethods.has(one));
  const scope = `${service}:${isSafe ? 'read' : 'write'}`;
  return Object.hasOwn(scopes, scope) ? [{ bearer: [scope] }, { service: [] }] : [];
}

function findMistake(
  security: readonly Requirement[],
  { knownScopes, services }: RouteSecurityOptions,
): string | undefined {
  for (const requirement of security) {
    for (const [scheme, values] of Object.entries(requirement) as [string, readonly string[]][]) {
      if (scheme !== 'bearer' && scheme !== 'service')
        return `needs the security scheme ${scheme}: the schemes are bearer and service`;
      const known = scheme === 'bearer' ? knownScopes : services;
      const unknown = values.find((value) => !known.has(value));
      if (unknown === undefined) continue;
      const list = [...known].join(', ') || 'none';
      return scheme === 'bearer'
        ? `needs the scope ${unknown}, which no service declares (known: ${list}): add it to scopes`
        : `lets the service ${unknown} call it, which does not exist (known: ${list})`;
    }
  }
  return undefined;
}
