import type { FastifyInstance } from 'fastify';
import { monitorPeer, type PeerState } from '../calls/peer.ts';
import type { Logger } from '../logging/logger.ts';
import { claimScope } from '../service/scope.ts';
import { type ProxyOptions, registerProxy } from './proxy.ts';

/**
 * Mounts the proxy that forwards the prefix of a service of another app. Returns the readiness check of that service.
 * @param gateway the name of the gateway in logs, and its logger.
 */
export async function mountProxy(
  server: FastifyInstance,
  gateway: { readonly name: string; readonly log: Logger },
  proxy: ProxyOptions,
): Promise<() => Promise<PeerState>> {
  const { service, origin, headers } = proxy;
  const { check, close } = monitorPeer(service, () => origin, headers);
  server.addHook('onClose', close);
  await server.register(
    async (scope) => {
      claimScope(scope, gateway.name, gateway.log);
      registerProxy(scope, proxy);
    },
    { prefix: `/${service}` },
  );
  return check;
}
