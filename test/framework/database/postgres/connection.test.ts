import pg from 'pg';
import { expect, test } from 'vitest';

test('pg still has the private field that sends the statements of a turn in one packet', () => {
  const { connection } = new pg.Client() as unknown as { connection?: { stream?: { cork?: unknown } } };
  expect(
    typeof connection?.stream?.cork,
    'connection.ts uses a private field that pg has changed: `connection.stream`',
  ).toBe('function');
});
