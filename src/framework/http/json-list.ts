import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { ServiceUnavailable } from '../errors/problem.ts';

/** The response to a request for a list. It is made and sent in slices, so that none blocks the event loop for long. */
export interface JsonList<Item> {
  /**
   * Adds items, of which the list keeps the JSON.
   * @throws {ServiceUnavailable} if all lists of the process that have not been sent are too large together.
   */
  add(items: readonly Item[]): void;
  /** Sends all added items as one JSON array. */
  send(): FastifyReply;
}

/** Bytes of all lists of several slices that have not been sent. */
let heldBytes = 0;

/**
 * Opens the list that the route's schema describes as its response 200.
 * @param maxHeldBytes how many bytes all unsent lists may have together; one list alone may have any number.
 */
export function openJsonList<Item>(reply: FastifyReply, maxHeldBytes = 268_435_456): JsonList<Item> {
  const serialize = reply.getSerializationFunction('200') as unknown as (items: readonly Item[]) => string;
  /** The JSON of the first slice, an array: most lists have no other. */
  let first: string | undefined;
  /** All slices with the brackets and commas of one array, if there is more than one. */
  const parts: Buffer[] = [];
  let ownBytes = 0;

  function keep(text: string): void {
    const part = Buffer.from(text);
    const others = heldBytes - ownBytes;
    if (others > 0 && heldBytes + part.length > maxHeldBytes) {
      throw new ServiceUnavailable('Too many large responses are being sent');
    }
    // 'close' is always emitted, also if the client disconnects or the handler fails.
    if (parts.length === 0) reply.raw.once('close', () => release(ownBytes));
    parts.push(part);
    ownBytes += part.length;
    heldBytes += part.length;
  }

  function release(bytes: number): void {
    ownBytes -= bytes;
    heldBytes -= bytes;
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
      return reply.header('content-length', ownBytes).send(Readable.from(takeParts(), { objectMode: false }));
    },
  };
}
