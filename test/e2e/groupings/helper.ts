import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { findFreePort, type LogEntry, makeFolder, sendRequest } from '../../support/app.ts';
import { main, type Running, run } from '../process/helper.ts';

/** Which services run together: the apps after the gateway, by what they run; what is in none is the gateway's. */
export interface Grouping {
  readonly name: string;
  readonly gateway: readonly string[];
  readonly apps: Readonly<Record<string, readonly string[]>>;
}

/** Every way to group two services. */
export const allGroupings: readonly Grouping[] = [
  { name: 'everything in the gateway', gateway: ['pet', 'user'], apps: {} },
  { name: 'each apart', gateway: [], apps: { pets: ['pet'], users: ['user'] } },
  { name: 'pet apart', gateway: ['user'], apps: { pets: ['pet'] } },
  { name: 'user apart', gateway: ['pet'], apps: { users: ['user'] } },
  { name: 'both together apart', gateway: [], apps: { both: ['pet', 'user'] } },
];

/** All of them in `.ci/run`; in the test suite of every day one process and one that is split. */
export const groupings = process.env.GROUPINGS === 'all' ? allGroupings : allGroupings.slice(0, 2);

export interface Started {
  /** The gateway's address. */
  readonly url: string;
  /** Each app's process and address, by name. */
  readonly apps: ReadonlyMap<string, { readonly process: Running; readonly url: string }>;
  /** Starts an app that has been stopped. */
  start(app: string): Promise<void>;
  /** Every line that every process has written to its file, so far. */
  lines(): LogEntry[];
}

/** Starts every app of a grouping as a process of its own, and waits until all answer. */
export async function startGrouping(
  t: TestContext,
  { gateway, apps }: Grouping,
  {
    instances = 1,
    files = false,
    database,
    env = {},
    more = {},
  }: {
    instances?: number;
    files?: boolean;
    /** The URL of a PostgreSQL database for all services. */
    database?: string | undefined;
    env?: NodeJS.ProcessEnv;
    more?: Record<string, unknown>;
  } = {},
): Promise<Started> {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'data'));
  const names = ['gateway', ...Object.keys(apps)];
  const ports = await Promise.all(names.map(findFreePort));
  const config = {
    log: { directory: 'logs' },
    ...more,
    services: Object.fromEntries(
      ['pet', 'user'].map((name) => [
        name,
        { database: database ?? (files ? `sqlite:data/${name}.db` : 'sqlite::memory:') },
      ]),
    ),
    apps: Object.fromEntries(
      names.map((name, index) => [
        name,
        { port: ports[index], instances, services: name === 'gateway' ? gateway : apps[name] },
      ]),
    ),
  };
  const file = join(folder, 'config.yaml');
  writeFileSync(file, JSON.stringify(config));

  const started = new Map<string, { process: Running; url: string }>();
  async function start(app: string): Promise<void> {
    const process_ = run(t, process.execPath, [main, '--config', file, '--app', app], { env });
    await process_.says(instances > 1 ? /instances share the port/ : / listens at /);
    started.set(app, { process: process_, url: `http://127.0.0.1:${ports[names.indexOf(app)]}` });
  }
  await Promise.all(names.map(start));
  const url = started.get('gateway')?.url as string;
  await waitFor(async () => (await sendRequest(`${url}/ready`, 'GET')).body.degraded?.length === 0);
  return {
    url,
    apps: started,
    start,
    lines: () =>
      readdirSync(join(folder, 'logs')).flatMap((name) =>
        readFileSync(join(folder, 'logs', name), 'utf8')
          .split('\n')
          // What is behind the last end of a line is one that is being written.
          .slice(0, -1)
          .map((line) => JSON.parse(line) as LogEntry),
      ),
  };
}

/** Waits until a condition holds, for up to 60 s. */
export async function waitFor(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`The condition does not hold after 60 s: ${isSo}`);
    await new Promise((wake) => setTimeout(wake, 30));
  }
}

/** A request as it goes over the wire: nothing is added to it. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export function ask(url: string, { method, path, headers = {}, body }: RawRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { method, headers: { ...headers } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
      );
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
