import { isIP } from 'node:net';
import fp from 'fastify-plugin';
import type { AppConfig } from '../config/config.ts';
import { isLoopback } from '../config/exposure.ts';
import { Problem } from '../errors/problem.ts';

interface HostsOptions {
  /** The app that this server belongs to. */
  readonly app: Pick<AppConfig, 'host' | 'url'>;
  /** `hosts` of the config. */
  readonly names: readonly string[] | undefined;
}

/**
 * Rejects requests for a host that is not this server's with 421 (RFC 9110, section 15.5.20). This stops DNS rebinding:
 * a page that points its own name at this machine still sends that name as `Host`. 421 and not 400, because the request
 * is well-formed and another server may be responsible for that host.
 * Calls with the internal credential pass. So does a request without `Host`, because every browser sends one.
 */
export const allowedHosts = fp<HostsOptions>(
  async (server, options) => {
    const isAllowed = createHostCheck(options);
    let latest = '';
    server.addHook('onRequest', (request, _reply, done) => {
      const { host = '' } = request.headers;
      if (request.caller !== undefined || (host === latest && request.host === host)) return done();
      // A proxy may send its own name for the server, and the client's as `x-forwarded-host`.
      const isForwarded = options.names !== undefined && request.host !== host;
      if (!isAllowed(host) || (isForwarded && !isAllowed(request.host))) return done(misdirected());
      latest = host;
      done();
    });
  },
  { name: 'allowed-hosts', dependencies: ['request-lifecycle', 'strict-http'] },
);

/** Checks the value of a `Host` header. */
export function createHostCheck({ app, names }: HostsOptions): (host: string) => boolean {
  const appHosts = [app.host, ...(app.url === undefined ? [] : [new URL(app.url).host])];
  const known = new Set([...appHosts, ...(names ?? [])].map(nameOf));
  const isBoundToLoopback = isLoopback(app.host);
  if (known.has('*') || (!isBoundToLoopback && names === undefined)) return () => true;
  return (host) => {
    const name = nameOf(host);
    if (name === '' || isLoopback(name) || known.has(name)) return true;
    // Addresses are allowed, because health checks use them and DNS rebinding needs a name.
    return !isBoundToLoopback && isIP(name) !== 0;
  };
}

/** The name or address, without port, brackets and the final dot of a fully qualified name. */
function nameOf(host: string): string {
  const [, address, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? ['', host];
  return (address ?? name.replace(/\.$/, '')).toLowerCase();
}

function misdirected(): Problem {
  return new Problem(
    421,
    'This server does not serve this Host: hosts in its config lists the names that it serves',
  );
}
