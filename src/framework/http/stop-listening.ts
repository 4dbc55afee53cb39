import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';

/**
 * Stops accepting connections and leaves idle connections open.
 *
 * `http.Server.close` (Node 19 and later) would also close idle connections, and with them the requests that clients are
 * about to send. Node has no option against that, so this calls the method of the parent class. It relies on
 * `net.Server.close` being unaware of HTTP, as in Node 22 and 24: stop-listening.test.ts fails if that changes.
 */
export function stopListening(server: Server): void {
  NetServer.prototype.close.call(server);
}
