import type { IncomingMessage, RequestListener } from 'node:http';
import { Socket } from 'node:net';
import { internalLimits } from '../../config/limits.ts';

/** The latest request of a connection. */
const latestRequest = Symbol('latestRequest');
type Connection = Socket & { [latestRequest]?: IncomingMessage };

/**
 * Lingering close. Closing a socket with unread input makes the kernel send a reset. A client that is still writing may
 * then lose an early response. So the server reads and discards input for `internalLimits.lingerMs` ms before it closes
 * the connection (RFC 9112, section 9.6).
 *
 * This relies on a private detail of Node 22 and 24: after the last response of a connection `resOnFinish` in
 * lib/_http_server.js calls `socket.destroySoon()`. A Node that does not call it closes connections without lingering, and
 * lingering-close.test.ts fails.
 */
export function enableLingeringClose(handle: RequestListener): RequestListener {
  return (request, response) => {
    const socket: Connection = request.socket;
    if (!socket.writable) return;
    if (socket[latestRequest] === undefined) socket.destroySoon = destroySoon;
    socket[latestRequest] = request;
    handle(request, response);
  };
}

function destroySoon(this: Connection): void {
  const close = Socket.prototype.destroySoon.bind(this);
  const request = this[latestRequest] as IncomingMessage;
  if (request.complete) close();
  else {
    this.end();
    request.once('end', close).resume();
    destroyAfterLinger(this);
  }
}

/** Closes a connection whose client keeps sending, or keeps its side open, after `internalLimits.lingerMs` ms. */
export function destroyAfterLinger(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), internalLimits.lingerMs);
  socket.once('close', () => clearTimeout(timer));
}
