import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { expect, type TestContext, test } from 'vitest';
import { alice, begin, bob, createAuthApp, from, holdClock, logIn, password, refresh } from './helper.ts';

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
}

/** Starts a mail server that keeps what it receives. It rejects the first `failures` mails. */
async function startMailServer(t: TestContext, failures = 0) {
  const mails: Mail[] = [];
  let left = failures;
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    async onData(stream, { envelope }, done) {
      const message = await text(stream);
      left -= 1;
      if (left >= 0) return done(new Error('no space'));
      const { mailFrom, rcptTo } = envelope;
      const body = message.replaceAll('=\r\n', '').replaceAll('=3D', '=');
      mails.push({
        from: mailFrom === false ? '' : mailFrom.address,
        to: rcptTo.map(({ address }) => address),
        text: body,
      });
      return done();
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  t.onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)));
  return { mails, url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}` };
}

const link = 'https://app.example.com/reset';

async function createMailApp(t: TestContext, failures = 0) {
  const clock = holdClock(t);
  const { mails, url } = await startMailServer(t, failures);
  const app = await createAuthApp(t, { mail: { url, from: 'noreply@example.com', link } });
  const next = async (count: number) => {
    await expect.poll(() => mails.length).toBeGreaterThanOrEqual(count);
    return mails[count - 1] as Mail;
  };
  return { app, clock, mails, next };
}

const tokenOf = ({ text }: Mail): string => {
  const [, token] = /https:\/\/app\.example\.com\/reset\?token=([\w-]{43})\s/.exec(text) ?? [];
  return token ?? '';
};

test('with mail a registration has one response, and the mail says the rest', async (t) => {
  const { app, next } = await createMailApp(t);
  const fresh = await app.post('/auth/users/', alice);
  expect(await next(1)).toMatchObject({ from: 'noreply@example.com', to: [alice.email] });
  const again = await app.post('/auth/users/', { ...alice, password: bob.password });
  expect([fresh.status, again.status]).toEqual([202, 202]);
  expect(again.bytes).toEqual(fresh.bytes);
  expect((await next(2)).text).toContain('which has an account already');
  expect((await logIn(app, { ...alice, password: bob.password })).status).toBe(401);
  await begin(app);
});

test('a link sets a new password once, and ends the sessions', async (t) => {
  const { app, next } = await createMailApp(t);
  await app.post('/auth/users/', alice);
  await next(1);
  const before = await begin(app);
  const ordered = await app.post(
    '/auth/password-resets/',
    { email: 'ALICE@example.com' },
    { host: 'localhost' },
  );
  expect(ordered).toMatchObject({ status: 202, body: { accepted: true } });
  const mail = await next(2);
  expect(mail.to).toEqual([alice.email]);
  const change = { token: tokenOf(mail), password: bob.password };
  expect(change.token).not.toBe('');
  expect(await app.put('/auth/password-resets/', change)).toMatchObject({ status: 200, body: { ok: true } });
  expect((await refresh(app, before.refresh_token)).status).toBe(401);
  expect((await logIn(app)).status).toBe(401);
  await begin(app, { ...alice, password: bob.password });
  expect(await app.put('/auth/password-resets/', { ...change, password })).toMatchObject({
    status: 404,
    body: { type: 'urn:problem-type:password-reset-not-found' },
  });
});

test('a link works for 30 minutes, and not after another one was used', async (t) => {
  const { app, clock, next } = await createMailApp(t);
  await app.post('/auth/users/', alice);
  await next(1);
  const order = () => app.post('/auth/password-resets/', { email: alice.email });
  const use = async (token: string) =>
    (await app.put('/auth/password-resets/', { token, password: bob.password })).status;
  await order();
  const first = tokenOf(await next(2));
  clock.pass(30 * 60 + 1);
  expect(await use(first)).toBe(404);
  await order();
  const second = tokenOf(await next(3));
  await order();
  const third = tokenOf(await next(4));
  const statuses = await Promise.all([use(third), use(third)]);
  expect(statuses.sort()).toEqual([200, 404]);
  expect(await use(second)).toBe(404);
});

test('an unknown address has the same response and no mail', async (t) => {
  const { app, next, mails } = await createMailApp(t);
  await app.post('/auth/users/', alice);
  await next(1);
  const unknown = await app.post('/auth/password-resets/', { email: bob.email });
  const known = await app.post('/auth/password-resets/', { email: alice.email });
  expect(unknown.status).toBe(202);
  expect(unknown.bytes).toEqual(known.bytes);
  await next(2);
  expect(mails.map(({ to }) => to)).toEqual([[alice.email], [alice.email]]);
});

test('an address gets at most 5 mails in an hour', async (t) => {
  const { app, clock, next, mails } = await createMailApp(t);
  await app.post('/auth/users/', alice);
  for (let index = 2; index <= 5; index += 1) {
    await next(index - 1);
    await app.post('/auth/password-resets/', { email: alice.email }, from(`10.0.0.${index}`));
  }
  await next(5);
  expect((await app.post('/auth/password-resets/', { email: alice.email })).status).toBe(202);
  clock.pass(3600);
  await app.post('/auth/password-resets/', { email: alice.email });
  await next(6);
  expect(mails).toHaveLength(6);
});

test('a mail that the server rejects is sent again later', async (t) => {
  const { app, clock, next } = await createMailApp(t, 1);
  await app.post('/auth/users/', alice);
  await expect.poll(() => app.logs.some(({ msg }) => msg === 'a mail could not be sent')).toBe(true);
  clock.pass(61);
  expect((await next(1)).to).toEqual([alice.email]);
});

test('without mail a reset is 404', async (t) => {
  const app = await createAuthApp(t);
  expect(await app.post('/auth/password-resets/', { email: alice.email })).toMatchObject({
    status: 404,
    body: { type: 'urn:problem-type:mail-not-configured' },
  });
});
