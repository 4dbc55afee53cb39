import { outgoingContext } from '../context/context.ts';
import type { ActsAs } from '../context/principal.ts';
import { inject } from '../context/propagation.ts';
import { serviceHeader, writeServiceHeader } from '../context/service-header.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { CallMetrics } from './call-metrics.ts';
import { createOperation, type PeerOptions } from './operation.ts';
import { type HttpResponse, openTransport } from './transport.ts';

/** The maximum number of connections for polls: a consumer polls, and a test reads the feed meanwhile. */
const maxPolls = 2;

/** Opens the connections to a peer. */
export function openPeer(name: string, options: PeerOptions) {
  const { origin, deadline, service, limits } = options;
  const calls = openTransport({ connect: deadline, ...limits });
  const polls = openTransport({
    ...{ connect: deadline, connections: maxPolls, unused: limits?.unused },
    isForPolls: true,
  });
  const counts = new Map<string, CallMetrics>();
  const identify = (as: ActsAs) =>
    service === undefined ? {} : { [serviceHeader]: writeServiceHeader(service, as) };
  const headersOf = {
    service: { ...options.headers, ...identify('service') },
    caller: { ...options.headers, ...identify('caller') },
  };

  const peer = { name, options, headersOf, counts, send: calls.send };

  /** Sends a GET request to a system route of the peer. */
  function get(path: string, timeout: number, { send } = calls): Promise<HttpResponse> {
    const headers = Object.assign(inject(outgoingContext(timeout, 'service')), headersOf.service);
    return send({ url: `${origin()}/${name}${path}`, method: 'GET', headers, timeout });
  }

  return {
    createOperation: (method: string, path: string) => createOperation(peer, method, path),
    /** Requests a path of the peer. Rejects if there is no complete response within `timeout` ms. */
    get,
    /**
     * Requests a path of the peer that may wait long. It takes no connection from calls. Its response may have any size,
     * because a batch of events that is rejected once would stop its consumer for ever.
     */
    poll: (path: string, timeout: number) => get(path, timeout, polls),
    /** The metrics of the operations, by target. */
    counts: counts as ReadonlyMap<string, CallMetrics>,
    /** Resolves with whether the peer responds within `timeout` ms. */
    async isReachable(timeout: number): Promise<boolean> {
      try {
        return (await get('/health', timeout)).ok;
      } catch {
        return false;
      }
    },
    /** Fetches the OpenAPI document that the peer serves now. */
    async fetchDocument(timeout: number): Promise<OpenApiDocument> {
      const { ok, status, content } = await get('/openapi.json', timeout);
      if (!ok) throw new Error(`status ${status}`);
      return JSON.parse(content) as OpenApiDocument;
    },
    close: async () => void (await Promise.all([calls.close(), polls.close()])),
  };
}
