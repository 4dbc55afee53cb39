import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { findFreePort, type LogEntry, makeFolder, sendRequest } from '../../support/app.ts';
import { main, startProcess, type TestProcess } from '../process/helper.ts';

/** The services of the gateway, and the services of each other app by its name. */
export interface Grouping {
  readonly name: string;
  readonly gateway: readonly string[];
  readonly apps: Readonly<Record<string, readonly string[]>>;
}

/** Every way to assign two services to apps. */
export const allGroupings: readonly Grouping[] = [
  { name: 'both services in the gateway', gateway: ['pet', 'user'], apps: {} },
  { name: 'each service in a separate app', gateway: [], apps: { pets: ['pet'], users: ['user'] } },
  { name: 'pet in a separate app', gateway: ['user'], apps: { pets: ['pet'] } },
  { name: 'user in a separate app', gateway: ['pet'], apps: { users: ['user'] } },
  { name: 'both services in one separate app', gateway: [], apps: { both: ['pet', 'user'] } },
];

export const [oneProcess] = allGroupings as readonly [Grouping, ...Grouping[]];

/** All groupings with GROUPINGS=all (`.ci/run`). By default one process, and one process for each service. */
export const groupings = process.env.GROUPINGS === 'all' ? allGroupings : allGroupings.slice(0, 2);

export interface RunningGrouping {
  /** The URL of the gateway. */
  readonly url: string;
  /** The process and the URL of each app, by name. */
  readonly apps: ReadonlyMap<string, { readonly process: TestProcess; readonly url: string }>;
  /** Starts a stopped app again. */
  start(app: string): Promise<void>;
  /** Reads the log entries of all processes so far. */
  readLogs(): LogEntry[];
}

/** Starts each app of a grouping in a separate process, and waits until the gateway reaches all of them. */
export async function startGrouping(
  t: TestContext,
  { gateway, apps }: Grouping,
  {
    instances = 1,
    files = false,
    database,
    env = {},
    more = {},
    accounts,
  }: {
    instances?: number;
    files?: boolean;
    /** The URL of a PostgreSQL database for all services. */
    database?: string | undefined;
    env?: NodeJS.ProcessEnv;
    more?: Record<string, unknown>;
    /** The options of the auth service, which the gateway then runs. */
    accounts?: Record<string, unknown> | undefined;
  } = {},
): Promise<RunningGrouping> {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'data'));
  const names = ['gateway', ...Object.keys(apps)];
  const ports = await Promise.all(names.map(findFreePort));
  const config = {
    log: { directory: 'logs' },
    ...more,
    services: Object.fromEntries(
      [...(accounts === undefined ? [] : ['auth']), 'pet', 'user'].map((name) => [
        name,
        {
          database: database ?? (files ? `sqlite:data/${name}.db` : 'sqlite::memory:'),
          ...(name === 'auth' && { options: accounts }),
        },
      ]),
    ),
    apps: Object.fromEntries(
      names.map((name, index) => [
        name,
        {
          ...{ port: ports[index], instances },
          services: name !== 'gateway' ? apps[name] : accounts === undefined ? gateway : ['auth', ...gateway],
        },
      ]),
    ),
  };
  const file = join(folder, 'config.yaml');
  writeFileSync(file, JSON.stringify(config));

  const started = new Map<string, { process: TestProcess; url: string }>();
  async function start(app: string): Promise<void> {
    const server = startProcess(t, process.execPath, [main, '--config', file, '--app', app], { env });
    await server.waitForOutput(instances > 1 ? /instances share the port/ : /"msg":"listening"/);
    started.set(app, { process: server, url: `http://127.0.0.1:${ports[names.indexOf(app)]}` });
  }
  await Promise.all(names.map(start));
  const url = started.get('gateway')?.url as string;
  await waitFor(async () => (await sendRequest(`${url}/ready`, 'GET')).body.degraded?.length === 0);
  return {
    url,
    apps: started,
    start,
    readLogs: () =>
      readdirSync(join(folder, 'logs')).flatMap((name) =>
        readFileSync(join(folder, 'logs', name), 'utf8')
          .split('\n')
          // The text after the last line end is an entry that is being written.
          .slice(0, -1)
          .map((line) => JSON.parse(line) as LogEntry),
      ),
  };
}

/** Waits for up to 60 s until a condition holds. */
export async function waitFor(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`The condition does not hold after 60 s: ${condition}`);
    await new Promise((wake) => setTimeout(wake, 30));
  }
}
