import type { PeerUse } from '../calls/peer-operations.ts';
import { exposureWarning } from '../config/exposure.ts';
import { internalLimits } from '../config/limits.ts';
import { ownOrigin } from '../config/topology.ts';
import type { OpenedService } from '../service/open-service.ts';
import { watchEventLoop } from './event-loop-watch.ts';
import type { StopMode } from './instance-processes.ts';
import type { Runtime } from './runtime.ts';
import { StartError } from './start-errors.ts';

/** ms after which a warning says that the work of a service at start has not ended. */
const slowStartMs = 10_000;

/** The functions that start and stop an app. */
export interface Lifecycle {
  /** The operations of peers that the services use. */
  readonly uses: readonly PeerUse[];
  /** Resolves when its services have handled every event that their peers have now. */
  untilEventsHandled(): Promise<void>;
  /** Listens on the host and port of the config. Resolves with the origin, `http://host:port`. */
  listen(): Promise<string>;
  /**
   * Completes the requests in flight, then closes everything. `refuse` rejects new requests. `hand over` also completes
   * new requests, because another instance takes over.
   */
  stop(mode?: StopMode): Promise<void>;
}

/** Creates the functions that start and stop an app. */
export function createLifecycle(
  { app, config, name, server, log, tracer, originOf }: Runtime,
  opened: readonly OpenedService[],
): Lifecycle {
  const peers = opened.flatMap((service) => [...service.peers.values()]);
  let endWatch = () => {};
  let listening: Promise<unknown> = Promise.resolve();
  let starting: Promise<void> = Promise.resolve();
  let stopping: Promise<void> | undefined;

  function stop(mode?: StopMode): Promise<void> {
    stopping ??= stopOnce(mode);
    return stopping;
  }

  async function stopOnce(mode: StopMode = 'refuse'): Promise<void> {
    // `listen` throws the errors of both.
    await listening.catch(() => {});
    const started = starting.catch(() => {});
    await Promise.all([server.drain(mode), started, ...opened.map(({ work }) => work.endJobs())]);
    await Promise.all(opened.map(({ work }) => work.stop()));
    await server.close();
    endWatch();
    await tracer?.close();
  }

  async function startServices(): Promise<void> {
    for (const { service, work, mountable } of opened) {
      const warn = () => mountable.log.warn('onStart has not ended: the jobs of the service wait for it');
      const timer = setTimeout(warn, slowStartMs);
      try {
        await work.start();
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new StartError(`${service.name}: onStart failed: ${reason}`, { cause });
      } finally {
        clearTimeout(timer);
      }
    }
  }

  return {
    uses: peers.flatMap(({ uses }) => uses),
    stop,
    async untilEventsHandled() {
      await Promise.all(opened.flatMap(({ consumers }) => consumers.map((consumer) => consumer.catchUp())));
    },
    async listen() {
      // Fastify passes the result to its logger, which takes an object of fields too.
      const listenTextResolver = (url: string) => ({ url, msg: 'listening' }) as unknown as string;
      const { backlog } = internalLimits;
      listening = server.listen({ host: app.host, port: app.port, backlog, listenTextResolver });
      await listening;
      const origin = ownOrigin(server);
      for (const peer of peers) {
        peer.setOrigin(originOf(peer.name));
        // Not before the first request, because the comparison takes as long as a hundred requests.
        setImmediate(() => void peer.checkContract());
      }
      endWatch = watchEventLoop(log);
      const warning = exposureWarning(config, name);
      if (warning !== undefined) log.warn({ host: app.host }, warning);
      starting = startServices();
      try {
        await starting;
      } catch (error) {
        await stop();
        throw error;
      }
      return origin;
    },
  };
}
