import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Dispatcher, request } from 'undici';
import type { TestContext } from 'vitest';
import { findFreePort, makeFolder } from '../../support/app.ts';
import { createPostgresDatabase, queryPostgres } from '../../support/postgres-query.ts';
import type { PostgresServer } from '../../support/postgres-server.ts';
import { main, root, startProcess, type TestProcess } from '../process/helper.ts';

/** The addresses of the two hosts. Linux listens on all of 127.0.0.0/8. */
export const hosts = ['127.0.0.1', '127.0.0.2'] as const;
export type Host = (typeof hosts)[number];
type App = 'gateway' | 'pet' | 'user';
type Service = Exclude<App, 'gateway'>;

/** Two replicas of each service on one PostgreSQL server, and a gateway, of which a test may start another. */
export interface Replicas {
  /** Of the gateway. */
  readonly url: string;
  /** Of the database. */
  readonly database: string;
  urlOf(app: App, host: Host): string;
  running(app: App, host: Host): TestProcess;
  /** Starts a replica and waits until it listens. */
  start(app: App, host: Host): Promise<void>;
  /** Changes the addresses of the name of a service. */
  resolve(service: Service, addresses: readonly Host[]): void;
}

export async function startReplicas(t: TestContext, server: PostgresServer): Promise<Replicas> {
  const folder = makeFolder(t);
  const database = await createPostgresDatabase(server);
  const ports = { gateway: await findFreePort(), pet: await findFreePort(), user: await findFreePort() };
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    `services:
  pet: { database: "${database}" }
  user: { database: "${database}" }
internal: { key: a-key-of-sixteen-or-more }
apps:
  gateway: { host: "\${HOST:-127.0.0.1}", port: ${ports.gateway}, services: [] }
  pet: { host: "\${HOST:-127.0.0.1}", port: ${ports.pet}, url: "http://pet.test:${ports.pet}", services: [pet] }
  user: { host: "\${HOST:-127.0.0.1}", port: ${ports.user}, url: "http://user.test:${ports.user}", services: [user] }
limits: { wait: 60000 }
`,
  );
  const names: Record<string, readonly string[]> = { 'pet.test': hosts, 'user.test': hosts };
  const namesFile = join(folder, 'names.json');
  const resolve = (service: Service, addresses: readonly Host[]) => {
    names[`${service}.test`] = addresses;
    writeFileSync(namesFile, JSON.stringify(names));
  };
  resolve('pet', hosts);
  const startApp = (name: string, host: string) => {
    const args = [
      '--import',
      join(root, 'test/e2e/process/names.ts'),
      main,
      '--config',
      config,
      '--app',
      name,
    ];
    return startProcess(t, process.execPath, args, {
      cwd: folder,
      env: { HOST: host, TEST_NAMES: namesFile },
    });
  };
  const replicas = new Map<string, TestProcess>();
  const start = async (app: App, host: Host) => {
    const running = startApp(app, host);
    replicas.set(`${app} ${host}`, running);
    await running.waitForOutput(/"msg":"listening"/);
  };
  for (const host of hosts) await Promise.all([start('pet', host), start('user', host)]);
  await start('gateway', hosts[0]);
  const urlOf = (app: App, host: Host) => `http://${host}:${ports[app]}`;
  return {
    ...{ url: urlOf('gateway', hosts[0]), database, start, resolve, urlOf },
    running: (app, host) => replicas.get(`${app} ${host}`) as TestProcess,
  };
}

/** Creates a database with a new name on the server. Returns its URL. */
/** The names of acknowledged pets that the database does not have, and those that it has twice. */
export async function findFaults(database: string, acknowledged: readonly string[]): Promise<string[]> {
  const names = (await queryPostgres(database, 'SELECT name FROM pet.pet')).map(([name]) => name as string);
  const stored = new Set(names);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return [...acknowledged.filter((name) => !stored.has(name)), ...twice];
}

/** Sends a request to the first server that takes it: one that is stopping refuses the connection or responds with 503. */
async function sendToAny(urls: readonly string[], path: string, options: Parameters<typeof request>[1]) {
  for (const url of urls.slice(0, -1)) {
    try {
      const response = await request(`${url}${path}`, options);
      if (response.statusCode !== 503) return response;
      await response.body.dump();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
    }
  }
  return request(`${urls.at(-1)}${path}`, options);
}

async function readStatus({ statusCode, body }: Dispatcher.ResponseData<unknown>): Promise<number> {
  await body.dump();
  return statusCode;
}

function toCut(error: NodeJS.ErrnoException): 'cut' {
  if (error.code === 'ECONNRESET' || error.code === 'UND_ERR_SOCKET') return 'cut';
  throw error;
}

/**
 * Requests of eight clients, until they are stopped: creates pets, reads them, and reads users with their pets.
 * @param urls of gateways. A client goes to the next one as a load balancer does.
 */
export function startLoad(...urls: string[]) {
  const acknowledged: string[] = [];
  /** How often each outcome was seen, such as `write 200`. */
  const outcomes = new Map<string, number>();
  const id = randomUUID();
  let isOver = false;
  const headers = { 'content-type': 'application/json' };
  const clients = Array.from({ length: 8 }, async (_, client) => {
    for (let index = 0; !isOver; index += 1) {
      const isWrite = index % 2 === 0;
      const name = `${id} ${client} ${index}`;
      const path = index % 4 === 1 ? '/user/users/1' : '/pet/pets/1';
      const order = index % 2 === 0 ? urls : urls.toReversed();
      const sent = isWrite
        ? sendToAny(order, '/pet/pets/', {
            method: 'POST',
            headers,
            body: JSON.stringify({ name, species: 'dog' }),
            // Use a new connection, because a stopping gateway closes idle connections.
            reset: true,
          })
        : sendToAny(order, path, { reset: true });
      const status = await sent.then(readStatus, toCut);
      if (isWrite && status === 200) acknowledged.push(name);
      const outcome = `${isWrite ? 'write' : 'read'} ${status}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      await sleep(2);
    }
  });
  return {
    acknowledged,
    outcomes,
    /** Resolves when this many more requests of each kind have succeeded. */
    async goesOn(count = 50): Promise<void> {
      const before = { ...Object.fromEntries(outcomes) };
      for (const kind of ['write 200', 'read 200']) {
        while ((outcomes.get(kind) ?? 0) < (before[kind] ?? 0) + count) {
          await Promise.race([sleep(20), ...clients]);
        }
      }
    },
    async stop(): Promise<void> {
      isOver = true;
      await Promise.all(clients);
    },
  };
}
