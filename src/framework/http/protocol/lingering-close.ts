import type { IncomingMessage, RequestListener } from 'node:http';
import { Socket } from 'node:net';
import { internalLimits } from '../../config/limits.ts';

const latest = Symbol('latest');
/** The request that came last on it. */
type Connection = Socket & { [latest]?: IncomingMessage };

/**
 * Has connections end so that the last answer arrives, also where it was given before the whole request had come:
 * closed with bytes that nobody has read, a connection is reset, and a client that is still writing sees only that. So
 * what comes is read and dropped for a while, and nothing is done any more (RFC 9112, section 9.6).
 */
export function enableLingeringClose(handle: RequestListener): RequestListener {
  return (request, response) => {
    const socket: Connection = request.socket;
    if (!socket.writable) return;
    // What Node does to a connection after its last answer.
    if (socket[latest] === undefined) socket.destroySoon = destroySoon;
    socket[latest] = request;
    handle(request, response);
  };
}

function destroySoon(this: Connection): void {
  const close = Socket.prototype.destroySoon.bind(this);
  const request = this[latest] as IncomingMessage;
  if (request.complete) close();
  else {
    this.end();
    request.once('end', close).resume();
    destroyAfterLinger(this);
  }
}

/** Whoever goes on sending, or holds his end open, is not waited for. */
export function destroyAfterLinger(socket: Socket): void {
  const late = setTimeout(() => socket.destroy(), internalLimits.linger);
  socket.once('close', () => clearTimeout(late));
}
