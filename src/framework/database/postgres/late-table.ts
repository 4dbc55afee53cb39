import { insertInto, splitRows } from '../late-rows.ts';
import type { Command } from './connection.ts';

/** A table whose rows are inserted right before COMMIT. */
export interface LateTable {
  /** Returns the statements that insert these rows. */
  insert(values: readonly unknown[]): Command[];
}

/** @param name names a statement, if statements are prepared by name. */
export function createLateTable(
  table: string,
  columns: readonly string[],
  name: (text: string) => Command,
): LateTable {
  const commands = new Map<number, Command>();
  const commandOf = (count: number): Command => {
    let command = commands.get(count);
    if (command === undefined) {
      command = name(insertInto(table, columns, count, (index) => `$${index + 1}`));
      commands.set(count, command);
    }
    return command;
  };
  // Register a statement now, so that `verify` reports a mistake.
  commandOf(1);
  return {
    insert: (values) =>
      Array.from(splitRows(values, columns.length), ([count, some]) => ({
        ...commandOf(count),
        values: some,
      })),
  };
}
