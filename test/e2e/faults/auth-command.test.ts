import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, test as always, beforeAll, expect, type TestContext } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { makeFolder, sendRequest } from '../../support/app.ts';
import { authService } from '../../support/auth-service.ts';
import { type PostgresServer, startPostgresIfAvailable } from '../../support/postgres-server.ts';
import { root, startProcess, startServer } from '../process/helper.ts';

const test = always.skipIf(authService === undefined);

let server: PostgresServer | undefined;
beforeAll(async () => {
  server = await startPostgresIfAvailable();
});
afterAll(() => server?.stop());

const password = 'three brown kettles';

function writeConfig(t: TestContext, database = 'sqlite:auth.db'): string {
  const file = join(makeFolder(t), 'config.yaml');
  writeFileSync(
    file,
    `services:
  auth: { database: "${database}", options: { scopes: ["pet:read"] } }
apps:
  gateway: { port: 0, services: [auth] }
limits: { wait: 60000 }
`,
  );
  return file;
}

/** Runs the command, with a text as its standard input. */
async function auth(t: TestContext, args: readonly string[], input = '', env: NodeJS.ProcessEnv = {}) {
  const script = 'input=$1; shift; printf %s "$input" | "$@"';
  const command = [process.execPath, join(root, 'scripts/auth.ts'), ...args];
  const child = startProcess(t, 'sh', ['-c', script, 'sh', input, ...command], { env });
  const { code } = await child.ended;
  return { code, output: child.output() };
}

const logIn = (url: string, user: { email: string; password: string }) =>
  sendRequest(`${url}/auth/login`, 'POST', user);

test.for([['SQLite'], ['PostgreSQL']])(
  'on %s it manages accounts, keys and sessions while the server runs',
  async ([product], t) => {
    if (product === 'PostgreSQL' && server === undefined) return t.skip('PostgreSQL cannot be started here');
    const schema = `t${randomUUID().replaceAll('-', '')}`;
    const file = writeConfig(t, product === 'SQLite' ? undefined : `${server?.url}?schema=${schema}`);
    const config = ['--config', file];
    const { url } = await startServer(t, file);

    const user = { email: 'root@example.com', password };
    expect(await auth(t, ['admin', 'Root@Example.com', ...config], `${password}\n`)).toEqual({
      code: 0,
      output: 'Root@Example.com is an administrator: new user 1\n',
    });
    const first = await logIn(url, user);
    expect(first.status).toBe(200);
    const keys = createRemoteJWKSet(new URL(`${url}/auth/.well-known/jwks.json`), { cooldownDuration: 0 });
    const verify = async (token: string) => (await jwtVerify(token, keys, { typ: 'at+jwt' })).payload;
    expect((await verify(first.body.access_token)).scope).toBe('pet:read auth:admin');

    expect(await auth(t, ['sessions', '--end', '1', ...config])).toEqual({
      code: 0,
      output: 'user 1: 1 session ended\n',
    });
    const { refresh_token } = first.body;
    const ended = await sendRequest(`${url}/auth/sessions/refresh`, 'POST', { refresh_token });
    expect(ended.status).toBe(401);
    const events = (await sendRequest(`${url}/auth/events`, 'GET')).body;
    expect(events).toMatchObject([{ type: 'session.ended', subject: first.body.session_id }]);

    const changed = await auth(t, ['admin', user.email, ...config], 'four brown kettles');
    expect(changed.output).toBe('root@example.com is an administrator: changed user 1\n');
    expect((await logIn(url, user)).status).toBe(401);
    expect((await logIn(url, { ...user, password: 'four brown kettles' })).status).toBe(200);

    const early = await auth(t, ['rotate', ...config]);
    expect(early.code).toBe(1);
    expect(early.output).toMatch(/^verifiers may not know the next key yet: wait 1\d{3} s, or use --now\n$/);
    const issue = async () =>
      (await auth(t, ['token', '--sub', '7', '--scope', 'pet:read pet:write', ...config])).output.trim();
    const before = await issue();
    expect(await auth(t, ['rotate', '--now', ...config])).toEqual({
      code: 0,
      output: 'new tokens are signed with the next key, within half a minute\n',
    });
    const after = await issue();
    expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid);
    for (const token of [before, after])
      expect(await verify(token)).toMatchObject({
        iss: 'auth',
        aud: manifest.name,
        sub: '7',
        scope: 'pet:read pet:write',
      });
  },
);

test.for([
  [[], 'Expected admin, rotate, token or sessions: see --help'],
  [['user'], 'Expected admin, rotate, token or sessions: see --help'],
  [['admin'], 'Missing EMAIL: see --help'],
  [['rotate', 'now'], 'Unknown argument now: see --help'],
  [['token'], 'Missing --sub: see --help'],
  [['token', '--sub', '1', '--now'], 'Expected --now only with rotate: see --help'],
  [['sessions'], 'Missing --end: see --help'],
  [['sessions', '--end', 'x'], 'Expected the id of a user after --end, not x: see --help'],
  [['admin', 'a@example.com'], 'auth is not a service with a database in config.yaml: it has pet, user'],
] as const)('auth %j ends with 2 and one line', async ([args, line], t) => {
  expect(await auth(t, args)).toEqual({ code: 2, output: `${line}\n` });
});

test('a token is not made in production', async (t) => {
  expect(await auth(t, ['token', '--sub', '1'], '', { NODE_ENV: 'production' })).toEqual({
    code: 2,
    output: 'Expected development: with NODE_ENV=production no token is made: see --help\n',
  });
});

test.for([
  ['root', password, 'Expected an email address: see --help'],
  ['root@example.com', 'short', 'Expected a password of 12 to 128 characters on standard input: see --help'],
  [
    'root@example.com',
    '🐕🐈🐹🐦🐟🐢',
    'Expected a password of 12 to 128 characters on standard input: see --help',
  ],
  ['root@example.com', 'password1234', 'The password is easy to guess: choose another one: see --help'],
] as const)('admin %s with the password %s ends with 2 and one line', async ([email, chosen, line], t) => {
  const file = writeConfig(t);
  const running = await startServer(t, file);
  running.child.kill('SIGTERM');
  await running.ended;
  expect(await auth(t, ['admin', email, '--config', file], chosen)).toEqual({ code: 2, output: `${line}\n` });
});

test('without a database it says what to do', async (t) => {
  expect(await auth(t, ['rotate', '--config', writeConfig(t)])).toEqual({
    code: 1,
    output: 'the database of auth does not exist: start the server first\n',
  });
});
