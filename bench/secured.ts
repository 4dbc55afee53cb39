/** Measures what authentication costs: a read with a token, against the same request without authentication. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTestIssuer } from '../src/framework/testing/index.ts';
import type { BothApps } from './both-apps.ts';
import type { Measured } from './load.ts';
import { pin, readUse } from './machine.ts';
import * as requests from './requests.ts';
import { findDoubts, type Row } from './result.ts';
import { measureRounds } from './rounds.ts';
import { seed } from './seed.ts';
import { freePort, type Server } from './servers.ts';
import * as shapes from './shapes.ts';

const day = 86_400;
const line = { row: 'secured', work: 'a pet by id, with a token', against: 'itself: without authentication' };
const program = fileURLToPath(new URL('both-apps.ts', import.meta.url));

export const secured: Row = {
  name: line.row,
  work: line.work,
  against: line.against,
  async run(bench) {
    const stops: (() => Promise<void> | void)[] = [];
    try {
      const issuer = await createTestIssuer({ onTestFinished: (stop) => void stops.push(stop) });
      const exp = Math.floor(Date.now() / 1_000) + day;
      const authorization = `Bearer ${await issuer.sign({ sub: '1', scopes: ['pet:read'] }, { exp })}`;
      // The other app gets the token too, and ignores it, because reading half a kilobyte more has a cost for any server.
      const reads = requests.pets().map((request) => ({ ...request, headers: { authorization } }));
      const load = { connections: 50, warmUp: bench.warmUp, seconds: bench.seconds };
      const rounds: (readonly Measured[])[] = [];
      // A new process for each pair, because V8 compiles each one differently.
      for (let pair = 0; pair < bench.pairs; pair += 1) {
        const [one, other] = await startBoth(issuer.url);
        try {
          const measure = async () => [
            await bench.generator.measure(one, reads, load),
            await bench.generator.measure(other, reads, load),
          ];
          rounds.push(...(await measureRounds({ ...bench, pairs: 1 }, measure)));
        } finally {
          await one.stop();
        }
      }
      const values = rounds.map(([one, other]) => (one?.rate ?? Number.NaN) / (other?.rate ?? Number.NaN));
      return [{ ...line, values, goal: { atLeast: 0.95 }, warnings: findDoubts(rounds.flat()) }];
    } finally {
      for (const stop of stops) await stop();
    }
  },
};

/** Starts both apps: the first with authentication, the second without. */
async function startBoth(issuer: string): Promise<readonly [Server, Server]> {
  const { folder, pet, user } = seed(...shapes.usual);
  const services = { pet: { database: `sqlite:${pet}` }, user: { database: `sqlite:${user}` } };
  const common = { log: { level: 'info', directory: 'logs' }, services };
  const options: BothApps = {
    file: join(folder, 'config.yaml'),
    configs: [{ ...common, auth: { issuer } }, common],
    ports: [await freePort(), await freePort()],
  };
  const [file, ...args] = pin('server', [
    process.execPath,
    '--max-semi-space-size=32',
    '--no-allocation-site-pretenuring',
    program,
    JSON.stringify(options),
  ]);
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached: true });
  await once(child, 'message');
  const describe = (port: number): Server => ({
    port,
    startTime: Number.NaN,
    use: () => readUse([child.pid as number]),
    pause() {},
    resume() {},
    async stop() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  });
  const [one = 0, other = 0] = options.ports;
  return [describe(one), describe(other)];
}
