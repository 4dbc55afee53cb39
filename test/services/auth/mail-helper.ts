import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { expect, type TestContext } from 'vitest';
import { createAuthApp, holdClock } from './helper.ts';

/** A mail that the server of a test has received. */
export interface Mail {
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

/** Starts the auth service with a mail server, and returns what waits for the mail of a number. */
export async function createMailApp(t: TestContext, failures = 0, scopes: readonly string[] = []) {
  const clock = holdClock(t);
  const { mails, url } = await startMailServer(t, failures);
  const options = { mail: { url, from: 'noreply@example.com', link }, scopes };
  const app = await createAuthApp(t, options, { auth: { issuer: 'auth' } });
  const next = async (count: number) => {
    await expect.poll(() => mails.length).toBeGreaterThanOrEqual(count);
    return mails[count - 1] as Mail;
  };
  return { app, clock, mails, next };
}

/** Returns the token of the link in a mail; empty if it has none. */
export const tokenOf = ({ text }: Mail): string => {
  const [, token] = /https:\/\/app\.example\.com\/reset\?token=([\w-]{43})\s/.exec(text) ?? [];
  return token ?? '';
};
