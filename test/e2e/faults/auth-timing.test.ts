import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { expect, type TestContext, test } from 'vitest';
import type { Service } from '../../../src/framework/service/define-service.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { authService } from '../../support/auth-service.ts';

// The times of requests for known and for unknown accounts are compared. A busy machine changes both, so they take turns.

const password = 'three brown kettles';
const known = 'known@example.com';
const rounds = 60;
const maxDifferenceMs = 5;

const median = (values: readonly number[]) =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] as number;

async function startMailServer(t: TestContext): Promise<string> {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, _session, done) {
      stream.resume().on('end', () => done());
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  t.onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)));
  return `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
}

/** Sends requests for both kinds of accounts in turn. Returns the median time of each, in ms. */
async function compare(
  { post }: TestApp,
  send: (post: TestApp['post'], email: string, from: object) => Promise<number>,
) {
  const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of round % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)) {
      const email = kind === 'known' ? known : `unknown${round}@example.com`;
      // Each from another address, so that no limit is reached.
      const from = { 'x-forwarded-for': `10.${kind.length}.${Math.floor(round / 200)}.${round % 200}` };
      const begin = performance.now();
      await send(post, email, from);
      times[kind].push(performance.now() - begin);
    }
  }
  return { known: median(times.known), unknown: median(times.unknown) };
}

test.skipIf(authService === undefined).for([
  [
    'a login',
    401,
    (post: TestApp['post'], email: string, from: Record<string, string>) =>
      post('/auth/sessions/', { email, password: 'four brown kettles' }, from),
  ],
  [
    'a registration',
    202,
    (post: TestApp['post'], email: string, from: Record<string, string>) =>
      post('/auth/users/', { email, password }, from),
  ],
  [
    'a request for a new password',
    202,
    (post: TestApp['post'], email: string, from: Record<string, string>) =>
      post('/auth/password-resets/', { email }, from),
  ],
] as const)(
  '%s takes the same time for a known and an unknown account',
  { retry: 3 },
  async ([, expected, send], t) => {
    const mail = {
      url: await startMailServer(t),
      from: 'noreply@example.com',
      link: 'https://example.com/reset',
    };
    const app = await createTestApp(t, {
      services: [authService as Service],
      config: { proxies: ['127.0.0.1'], services: { auth: { options: { register: 'open', mail } } } },
    });
    expect((await app.post('/auth/users/', { email: known, password })).status).toBe(202);
    const times = await compare(app, async (post, email, from) => {
      const { status } = await send(post, email, from as Record<string, string>);
      expect(status).toBe(expected);
      return status;
    });
    // On a busy machine the medians themselves are uncertain. A missing hash would be all of the time.
    const allowed = Math.max(maxDifferenceMs, Math.min(times.known, times.unknown) / 2);
    expect(Math.abs(times.known - times.unknown), JSON.stringify(times)).toBeLessThanOrEqual(allowed);
  },
);
