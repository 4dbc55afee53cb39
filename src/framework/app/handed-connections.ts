import type { Worker } from 'node:cluster';

/** A private message between node:cluster and an instance, as in Node 22.19 and 24.21. */
interface ClusterMessage {
  readonly act?: unknown;
  readonly seq?: unknown;
  readonly ack?: unknown;
}
interface Handle {
  close(): void;
}

/**
 * Closes the connections that an instance got and did not accept before it exited.
 *
 * node:cluster forgets such a connection: the client waits forever, and this process keeps the file descriptor. Node has
 * no public API for it, so this function reads private messages. `newconn` with a `seq` hands a connection over; `ack`
 * with the same number accepts or returns it. If a version of Node changes these messages, this function tracks nothing,
 * and test/e2e/faults/instances.test.ts fails.
 * @param onClosed called with the number of closed connections, unless it is 0.
 */
export function closeUnaccepted({ process: child }: Worker, onClosed: (count: number) => void): void {
  const handed = new Map<unknown, Handle>();
  const send = child.send as (...args: unknown[]) => boolean;
  child.send = function sendTracked(this: unknown, ...args: unknown[]): boolean {
    const [message, handle] = args as [ClusterMessage | undefined, Partial<Handle> | undefined];
    if (message?.act === 'newconn' && message.seq !== undefined && typeof handle?.close === 'function')
      handed.set(message.seq, handle as Handle);
    return send.apply(this, args);
  };
  child.on('internalMessage', (message: ClusterMessage | undefined) => {
    if (message?.ack !== undefined) handed.delete(message.ack);
  });
  child.once('exit', () => {
    if (handed.size === 0) return;
    for (const handle of handed.values()) handle.close();
    onClosed(handed.size);
    handed.clear();
  });
}
