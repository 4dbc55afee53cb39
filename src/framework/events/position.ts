/**
 * A position in a feed. Clients get it as the opaque id of an event, `<epoch>-<number>`. The epoch names the history that
 * the number belongs to: it changes when a backup is restored.
 */
export interface Position {
  readonly epoch: string;
  readonly number: number;
}

/** The form of an id, for the schema of the query parameter. */
export const positionPattern = '^[a-z0-9]{8}-(0|[1-9][0-9]{0,14})$';

export function formatPosition({ epoch, number }: Position): string {
  return `${epoch}-${number}`;
}

/** Parses an id that matches `positionPattern`. */
export function parsePosition(id: string): Position {
  const [epoch = '', number = ''] = id.split('-');
  return { epoch, number: Number(number) };
}
