import { UnprocessableEntity } from '../errors/problem.ts';

/** The sort value of a row as the database stores it. Undefined: the order is by id. */
export type CursorValue = string | number | null | undefined;

/** A position in a list: after the row with this value and id, whether or not the row still exists. */
interface Cursor {
  readonly id: number;
  readonly value: CursorValue;
}

/** The version of the format. Change it with the format, so that old cursors are rejected and not misread. */
const version = 1;

/** Formats a position in a list with an order. Opaque for clients. */
export function formatCursor(order: string, { id, value }: Cursor): string {
  const parts = value === undefined ? [version, order, id] : [version, order, id, value];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/**
 * Parses a cursor from a client.
 * @param isValue whether the column of the order may have this value.
 * @throws {UnprocessableEntity} for any text that `formatCursor` did not return for this order.
 */
export function parseCursor(text: string, order: string, isValue: (value: CursorValue) => boolean): Cursor {
  const parts = parseParts(text);
  if (parts === undefined) throw invalidCursor('is not a cursor of a list');
  const [, ownOrder, id, value] = parts;
  if (ownOrder !== order) throw invalidCursor('is a cursor of another sort');
  if (!Number.isSafeInteger(id) || id < 1 || !isValue(value))
    throw invalidCursor('is not a cursor of a list');
  return { id, value };
}

/** Creates the error for a request with an invalid cursor. */
export function invalidCursor(detail: string): UnprocessableEntity {
  return new UnprocessableEntity([{ in: 'query', pointer: '/after', detail }]);
}

type Parts = [version: number, order: string, id: number, value: CursorValue];

function parseParts(text: string): Parts | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts[0] !== version || typeof parts[1] !== 'string') return undefined;
  const [, order, id, value] = parts as Parts;
  // Only the exact text of a position is valid, because a truncated text could be another position.
  return parts.length <= 4 && formatCursor(order, { id, value }) === text ? (parts as Parts) : undefined;
}
