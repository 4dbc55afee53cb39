import { expect, test } from 'vitest';
import { hidePassword } from '../../../../src/framework/config/database-url.ts';
import { parsePostgresUrl } from '../../../../src/framework/database/postgres/url.ts';

test('a URL defaults to the schema of its service, 7 connections and prepared statements', () => {
  expect(parsePostgresUrl('postgres://me:secret@host:5433/name', 'pet')).toEqual({
    connectionString: 'postgres://me:secret@host:5433/name',
    schema: 'pet',
    pool: 7,
    isPrepared: true,
  });
  const url = 'postgres://host/name?schema=other&sslmode=verify-full&pool=12&prepare=false';
  expect(parsePostgresUrl(url, 'pet')).toEqual({
    connectionString: 'postgres://host/name?sslmode=verify-full',
    schema: 'other',
    pool: 12,
    isPrepared: false,
  });
});

test.for(['2', '101', '3.5', 'many', ''])('a pool of %j is rejected', (pool) => {
  expect(() => parsePostgresUrl(`postgres://host/name?pool=${pool}`, 'pet')).toThrow(
    'expected ?pool= to be an integer from 3 to 100',
  );
});

test.for(['', 'a schema', '1st'])('a schema of %j is rejected', (schema) => {
  expect(() => parsePostgresUrl(`postgres://host/name?schema=${schema}`, 'pet')).toThrow(
    'expected ?schema= to be a name of letters, digits, "_" and "-"',
  );
});

test('the password is hidden in messages', () => {
  expect(hidePassword('postgres://me:secret@host/name')).toBe('postgres://me:***@host/name');
  expect(hidePassword('postgres://me@host/name')).toBe('postgres://me@host/name');
  expect(hidePassword('postgres://host/name?user=me&password=secret&pool=7')).toBe(
    'postgres://host/name?user=me&password=***&pool=7',
  );
});
