import pg from 'pg';
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
    connectionString: 'postgres://host/name?sslmode=verify-full&uselibpqcompat=true',
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

test.for([
  ['', false],
  ['sslmode=disable', false],
  ['sslmode=require', { rejectUnauthorized: false }],
  ['sslmode=no-verify', { rejectUnauthorized: false }],
  ['sslmode=verify-full', {}],
] as const)('TLS with ?%s is that of the programs of PostgreSQL', ([query, ssl]) => {
  const { connectionString } = parsePostgresUrl(`postgres://host/name?${query}`, 'pet');
  expect((new pg.Client({ connectionString }) as unknown as { ssl: unknown }).ssl).toEqual(ssl);
});

test('verify-ca verifies the certificate and not the name of the server', () => {
  const file = new URL(import.meta.url).pathname;
  const url = `postgres://host/name?sslmode=verify-ca&sslrootcert=${file}`;
  const client = new pg.Client({ connectionString: parsePostgresUrl(url, 'pet').connectionString });
  const { ca, rejectUnauthorized, checkServerIdentity } = (
    client as unknown as { ssl: Record<string, unknown> }
  ).ssl;
  expect({ ca: typeof ca, rejectUnauthorized }).toEqual({ ca: 'string', rejectUnauthorized: undefined });
  expect((checkServerIdentity as () => unknown)()).toBeUndefined();
});

test.for(['', 'prefer', 'allow', 'verify_full'])('an SSL mode of %j is rejected', (mode) => {
  expect(() => parsePostgresUrl(`postgres://host/name?sslmode=${mode}`, 'pet')).toThrow(
    'expected ?sslmode= to be disable, require, verify-ca, verify-full or no-verify',
  );
});

test('verify-ca needs a certificate', () => {
  expect(() => parsePostgresUrl('postgres://host/name?sslmode=verify-ca', 'pet')).toThrow(
    'expected ?sslrootcert= with ?sslmode=verify-ca',
  );
});

test.for(['postgres://host:port/name', 'postgres://me:se/cret@host:5432/name', 'postgres://host'])(
  'the URL %s is rejected',
  (url) => {
    expect(() => parsePostgresUrl(url, 'pet')).toThrow(
      'expected postgres://user:password@host:port/database, with special characters of the password encoded',
    );
  },
);

test('the password is hidden in messages', () => {
  expect(hidePassword('postgres://me:secret@host/name')).toBe('postgres://me:***@host/name');
  expect(hidePassword('postgres://me:sec/re?t@host/name')).toBe('postgres://me:***@host/name');
  expect(hidePassword('postgres://me@host/name')).toBe('postgres://me@host/name');
  expect(hidePassword('postgres://host/name?user=me&password=secret&pool=7')).toBe(
    'postgres://host/name?user=me&password=***&pool=7',
  );
});

test('a line break, which the driver ignores, neither shows the password nor breaks a message', () => {
  expect(hidePassword('postgres://me:secret\n@host/name\n')).toBe('postgres://me:***@host/name');
  expect(hidePassword('postgres://me:sec\u2028ret@host/name')).toBe('postgres://me:***@host/name');
  expect(hidePassword('postgres://host/name?pass\nword=secret')).toBe('postgres://host/name?password=***');
});

test.for(['schem', 'sslmod', 'Schema'])('the unknown parameter %s is rejected', (name) => {
  expect(() => parsePostgresUrl(`postgres://host/name?pool=5&${name}=x`, 'pet')).toThrow(
    `unknown parameter ?${name}=. Expected schema, pool, prepare, sslmode, sslrootcert or another parameter of PostgreSQL`,
  );
});

test('parameters of the driver and of the programs of PostgreSQL go through', () => {
  const url =
    'postgres://host/name?application_name=a&channel_binding=require&connect_timeout=5&query_timeout=1';
  expect(parsePostgresUrl(url, 'pet').connectionString).toBe(url);
});
