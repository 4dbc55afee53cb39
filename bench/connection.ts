/** A connection of the load generator. It sends prepared bytes, and reads only the status and length of a response. */
import { connect } from 'node:net';

export interface Connection {
  /** Sends a request. The response to the previous request must have arrived. */
  send(request: Buffer): void;
  destroy(): void;
}

export interface Events {
  opened(connection: Connection): void;
  /** Called with each complete response. @param head the beginning of its first chunk */
  onResponse(connection: Connection, status: number, head: string): void;
  /** Called when the connection breaks, or a response cannot be read. */
  failed(reason: string): void;
}

// All connections share the buffer, because each callback finishes before the next read.
const buffer = Buffer.allocUnsafe(65_536);

export function openConnection(port: number, events: Events): Connection {
  let isHead = true;
  let head = '';
  /** Bytes of the body that are still missing; Infinity for a chunked body. */
  let left = 0;

  function read(count: number): boolean {
    let bodyBytes = count;
    if (isHead) {
      head = buffer.toString('latin1', 0, Math.min(count, 4096));
      const headEnd = head.indexOf('\r\n\r\n');
      if (headEnd < 0) {
        events.failed('the head of a response was fragmented');
        return true;
      }
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
      left = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
      bodyBytes -= headEnd + 4;
      isHead = false;
    }
    left -= bodyBytes;
    const isComplete = Number.isFinite(left)
      ? left === 0
      : buffer.toString('latin1', Math.max(0, count - 5), count) === '0\r\n\r\n';
    if (!isComplete) return true;
    isHead = true;
    events.onResponse(connection, Number(head.slice(9, 12)), head);
    return true;
  }

  const onread = { buffer, callback: read };
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
  const connection: Connection = {
    send: (request) => void socket.write(request),
    destroy: () => socket.destroy(),
  };
  socket.on('connect', () => events.opened(connection));
  socket.on('error', ({ message }) => events.failed(message));
  socket.on('close', () => events.failed('the server closed a connection'));
  return connection;
}
