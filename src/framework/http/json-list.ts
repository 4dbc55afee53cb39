import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { RequestEnded, ServiceUnavailable } from '../errors/problem.ts';

/** A list response that is serialized and sent in slices, so that it does not block the event loop for long. */
interface JsonList<Item> {
  /**
   * Serializes items and adds them to the list.
   * @throws {ServiceUnavailable} if all unsent lists of the process are too large together.
   * @throws {RequestEnded} if the client has disconnected.
   */
  add(items: readonly Item[]): void;
  /** Sends all added items as one JSON array. */
  send(): FastifyReply;
}

/** Unsent bytes of all lists that have several slices. */
let heldBytes = 0;

/**
 * Opens the list that the route's schema describes as its response 200.
 * @param maxHeldBytes maximum of unsent bytes of all lists together; a single list may have any size.
 */
export function openJsonList<Item>(reply: FastifyReply, maxHeldBytes = 268_435_456): JsonList<Item> {
  const serialize = reply.getSerializationFunction('200') as unknown as (items: readonly Item[]) => string;
  /** The JSON array of the first slice. Most lists have only one slice. */
  let first: string | undefined;
  /** All slices with the brackets and commas of one array, if there is more than one. */
  const parts: Buffer[] = [];
  let listBytes = 0;

  function keep(text: string): void {
    // After 'close' nothing would release the bytes.
    if (reply.raw.closed) throw new RequestEnded();
    const part = Buffer.from(text);
    const others = heldBytes - listBytes;
    if (others > 0 && heldBytes + part.length > maxHeldBytes) {
      throw new ServiceUnavailable('Too many large responses are being sent');
    }
    // 'close' is always emitted, even if the client disconnects or the handler fails.
    if (parts.length === 0) reply.raw.once('close', () => release(listBytes));
    parts.push(part);
    listBytes += part.length;
    heldBytes += part.length;
  }

  /** The response to a HEAD request closes before its list is read, so its parts may be released already. */
  function release(bytes: number): void {
    const held = Math.min(bytes, listBytes);
    listBytes -= held;
    heldBytes -= held;
  }

  /** Yields one part per event-loop turn, because a socket accepts megabytes at a time, which blocks the process. */
  async function* takeParts(): AsyncGenerator<Buffer> {
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      yield part;
      release(part.length);
      await turn();
    }
  }

  return {
    add(items) {
      if (items.length === 0) return;
      const text = serialize(items);
      if (first === undefined) {
        first = text;
        return;
      }
      if (parts.length === 0) keep(first.slice(0, -1));
      keep(`,${text.slice(1, -1)}`);
    },
    send() {
      reply.type('application/json; charset=utf-8');
      if (parts.length === 0) return reply.send(first ?? '[]');
      keep(']');
      return reply
        .header('content-length', listBytes)
        .send(Readable.from(takeParts(), { objectMode: false }));
    },
  };
}
