import { hash } from 'node:crypto';
import type { CopySide, Value } from './side.ts';

const modulus = 2n ** 256n;

/**
 * Counts rows and computes their checksum. The checksum is the sum of the SHA-256 of each row, because the order of the
 * rows differs between databases.
 */
export class TableDigest {
  rows = 0;
  #sum = 0n;

  add(rows: readonly Value[][]): void {
    for (const row of rows) {
      this.#sum += BigInt(`0x${hash('sha256', JSON.stringify(row.map(describe)))}`);
    }
    this.#sum %= modulus;
    this.rows += rows.length;
  }

  get checksum(): string {
    return this.#sum.toString(16).padStart(64, '0');
  }
}

/** Reads all rows of a table. */
export async function digestTable(
  side: CopySide,
  table: string,
  columns: readonly string[],
  onProgress: (rows: number) => void = () => {},
): Promise<TableDigest> {
  const digest = new TableDigest();
  for await (const rows of side.read(table, columns)) {
    digest.add(rows);
    onProgress(digest.rows);
  }
  return digest;
}

/**
 * Returns the same string for the same value of both databases. 5 may be an integer in one and a real number in the
 * other.
 */
function describe(value: Value): string | null {
  if (value === null) return null;
  if (typeof value === 'string') return `t${value}`;
  if (typeof value === 'object') return `b${Buffer.from(value).toString('hex')}`;
  return `n${value}`;
}
