import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type TestContext, vi } from 'vitest';
import { createTestApp, type TestApp, type TestAppOptions, type TestResponse } from '#framework/testing';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import auth from '../../../src/services/auth/index.ts';

export const password = 'three brown kettles';
export const alice = { email: 'alice@example.com', password };
export const bob = { email: 'bob@example.com', password: 'seven green lamps' };

/** Starts the auth service. Its clients choose their address with `from`. */
export function createAuthApp(
  t: TestContext,
  options: Readonly<Record<string, unknown>> = {},
  config: TestAppOptions['config'] = {},
): Promise<TestApp> {
  const services = { auth: { options: { register: 'open', ...options } } };
  return createTestApp(t, { services: [auth], config: { proxies: ['127.0.0.1'], services, ...config } });
}

/** The header by which a request has this address. */
export const from = (address: string) => ({ 'x-forwarded-for': address });

export async function register({ post }: TestApp, user = alice): Promise<number> {
  const { status, body } = await post('/auth/users/', user);
  expect(status).toBe(200);
  return body.id;
}

export interface Tokens {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly refresh_token: string;
  readonly session_id: string;
}

export const logIn = ({ post }: TestApp, user = alice, headers = {}): Promise<TestResponse> =>
  post('/auth/sessions/', user, headers);

/** Logs in, and expects that it works. */
export async function begin(app: TestApp, user = alice): Promise<Tokens> {
  const { status, body } = await logIn(app, user);
  expect(status).toBe(200);
  return body;
}

export const refresh = ({ post }: TestApp, token: string, headers = {}): Promise<TestResponse> =>
  post('/auth/sessions/refresh', { refresh_token: token }, headers);

export const bearer = ({ access_token }: Pick<Tokens, 'access_token'>) => ({
  authorization: `Bearer ${access_token}`,
});

/** Lets the test set the clock. Timers go on. */
export function holdClock(t: TestContext) {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  t.onTestFinished(() => void vi.useRealTimers());
  return { pass: (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000) };
}

/** A problem without the parts that differ between requests. */
export function problemOf({ status, body }: TestResponse) {
  const { instance, ...rest } = body;
  return { ...rest, status };
}

/** Opens an empty database of the service without an app: in memory, or on the server that TEST_POSTGRES names. */
export async function openAuthDatabase(t: TestContext) {
  const server = process.env.TEST_POSTGRES;
  const schema = `t${randomUUID().replaceAll('-', '')}`;
  const url = server === undefined ? 'sqlite::memory:' : `${server}?schema=${schema}`;
  const database = await openDatabase(url, { migrations: auth.migrations, service: 'auth' });
  t.onTestFinished(() => database.close());
  return database;
}

/** Creates a folder that is deleted when the test ends. */
export function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'monolith-'));
  t.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
