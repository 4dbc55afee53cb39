/** One connection of the load: requests are bytes made once, and of an answer only status and length are read. */
import { connect } from 'node:net';

export interface Connection {
  /** Sends a request; the one before must have been answered. */
  send(request: Buffer): void;
  destroy(): void;
}

export interface Events {
  opened(connection: Connection): void;
  /** A whole answer has come. @param head the beginning of its first piece */
  answered(connection: Connection, status: number, head: string): void;
  /** It broke, or what came cannot be read. */
  failed(fault: string): void;
}

// One for all connections: what is read is looked at before anything else is.
const buffer = Buffer.allocUnsafe(65_536);

export function openConnection(port: number, events: Events): Connection {
  let isHead = true;
  let head = '';
  /** Bytes of the answer's body that are still to come; Infinity where it comes in chunks. */
  let left = 0;

  function read(count: number): boolean {
    let bodyBytes = count;
    if (isHead) {
      head = buffer.toString('latin1', 0, Math.min(count, 4096));
      const headEnd = head.indexOf('\r\n\r\n');
      if (headEnd < 0) {
        events.failed('an answer came with its head in pieces');
        return true;
      }
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
      left = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
      bodyBytes -= headEnd + 4;
      isHead = false;
    }
    left -= bodyBytes;
    const isWhole = Number.isFinite(left)
      ? left === 0
      : buffer.toString('latin1', Math.max(0, count - 5), count) === '0\r\n\r\n';
    if (!isWhole) return true;
    isHead = true;
    events.answered(connection, Number(head.slice(9, 12)), head);
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
