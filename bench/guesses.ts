/** Measures what guesses of a password cost the requests for other services. */
import { product } from './contenders.ts';
import { type MeasuredOffer, openGenerator, type Request } from './load.ts';
import * as requests from './requests.ts';
import { findDoubts, type Result, type Row } from './result.ts';
import { measureRounds } from './rounds.ts';
import { seed } from './seed.ts';
import type { Server } from './servers.ts';
import * as shapes from './shapes.ts';
import { withServers } from './turns.ts';

/** Each round has 1,000 guesses in 10 s, from 250 addresses, beside so many reads a second. */
const seconds = 10;
const guessesPerSecond = 100;
const addresses = 250;
const readsPerSecond = 300;

const work = 'a pet by id, at 300 requests a second';
const row = { row: 'guesses', against: 'itself: without guesses' };

// On all cores, because the passwords are checked in a thread beside that of the requests.
const contender = product(
  'with the auth service',
  { gateway: { services: ['auth', 'pet', 'user'] } },
  'anywhere',
  {
    auth: { issuer: 'auth' },
    proxies: ['127.0.0.1'],
    services: { auth: { database: 'sqlite:auth.db', options: { register: 'open', scopes: ['pet:read'] } } },
  },
);

export const guesses: Row = {
  name: row.row,
  work,
  against: row.against,
  async run(bench) {
    const data = seed(...shapes.written);
    const measured = await withServers([[contender, data]], async (servers) => {
      const server = servers[0] as Server;
      const authorization = `Bearer ${await logIn(server)}`;
      const reads = requests.pets().map((request) => ({ ...request, headers: { authorization } }));
      const attacker = openGenerator();
      const load = { connections: 50, warmUp: bench.warmUp, seconds, isBusyPolling: false };
      const read = () => bench.generator.offer(server, reads, { ...load, arrivals: readsPerSecond });
      let account = 0;
      const guess = () => {
        account += 1;
        return attacker.offer(server, guessAt(account), { ...load, arrivals: guessesPerSecond });
      };
      try {
        return await measureRounds({ ...bench, warmUps: 1 }, async () => {
          const alone = await read();
          const [beside] = await Promise.all([read(), guess()]);
          return [alone, beside];
        });
      } finally {
        attacker.close();
      }
    });
    return writeResults(measured as Round[]);
  },
};

type Round = readonly [alone: MeasuredOffer, beside: MeasuredOffer];

/** Creates an account. Resolves with an access token. */
async function logIn({ port }: Server): Promise<string> {
  const credentials = { email: 'reader@example.com', password: 'the password of the benchmark' };
  const send = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/auth${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(credentials),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { readonly access_token: string };
  };
  await send('/users/');
  return (await send('/sessions/')).access_token;
}

/** Guesses the password of one account. Each account has its own limit, so each round has another one. */
function guessAt(account: number): Request[] {
  return Array.from({ length: addresses }, (_, index) => ({
    method: 'POST',
    path: '/auth/sessions/',
    headers: { 'x-forwarded-for': `10.${account}.0.${index + 1}` },
    body: { email: `account-${account}@example.com`, password: `guess ${index} of the benchmark` },
  }));
}

function writeResults(rounds: readonly Round[]): Result[] {
  const warnings = findDoubts(rounds.flat(), true);
  const of = (value: (round: Round) => number) => rounds.map(value);
  const beside = `${work}, beside ${guessesPerSecond} guesses a second`;
  const ms = { ...row, against: '', unit: 'ms', warnings } as const;
  return [
    { ...ms, work: `${work}: p99`, values: of(([alone]) => alone.p99) },
    { ...ms, work: `${beside}: p99`, values: of(([, other]) => other.p99) },
    {
      ...row,
      warnings,
      work: `${beside}: p99 (a ratio of times)`,
      goal: { atMost: 2 },
      values: of(([alone, other]) => other.p99 / alone.p99),
    },
  ];
}
