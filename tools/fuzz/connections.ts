import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { type KeyedPost, type Plan, plan } from './connection-plan.ts';
import type { AppProcess, Product } from './connection-servers.ts';
import { findLeaks, measure } from './leaks.ts';

export interface ConnectionReport {
  /** The number of opened connections. */
  readonly connections: number;
  /** The number of requests that were sent again with their key. */
  readonly retried: number;
  /** Descriptions of the failed checks. */
  readonly failures: readonly string[];
}

/** The number of concurrent connections. */
const maxConcurrent = 40;
/** The number of keys that are sent again. Only the last ones, because each needs a request. */
const maxRetried = 500;
/**
 * Opens connections like misbehaving clients for some seconds. Then checks that every process runs and responds, that
 * requests in flight, open files and memory are released, and that no idempotency key stays in use.
 */
export async function fuzzConnections(
  product: Product,
  seed: number,
  seconds: number,
): Promise<ConnectionReport> {
  const [gateway] = product.apps as [AppProcess];
  const port = Number(new URL(gateway.url).port);
  await addData(gateway.url);
  const before = await Promise.all(product.apps.map(measure));
  const keyed = new Map<string, KeyedPost>();
  const until = performance.now() + seconds * 1000;
  const hasEnded = () => product.apps.map(({ ended }) => ended()).filter((end) => end !== undefined);
  let connections = 0;

  const plans = makePlans(seed);
  async function client(): Promise<void> {
    while (performance.now() < until && hasEnded().length === 0) {
      const { value } = plans.next();
      for (const one of value.keyed) keyed.set(one.key, one);
      connections += 1;
      await follow(value, port);
    }
  }
  const locks = lockRepeatedly(product.database, () => performance.now() < until);
  await Promise.all([locks, ...Array.from({ length: maxConcurrent }, client)]);

  const retried = [...keyed.values()].slice(-maxRetried);
  const failures = [
    ...(await findLeaks(product.apps, before)),
    ...(await findFailedRequests(gateway.url)),
    ...(await findKeysInUse(gateway.url, retried)),
  ];
  // A process that has ended causes all other failures.
  const ends = hasEnded();
  return { connections, retried: retried.length, failures: ends.length > 0 ? ends : failures };
}

function* makePlans(seed: number): Generator<Plan, never> {
  for (let batch = 0; ; batch += 1) yield* fc.sample(plan, { seed: seed + batch, numRuns: 100 });
}

/** Creates a user with pets, and so many pets that a page of them is larger than a packet. */
async function addData(url: string): Promise<void> {
  const post = (path: string, body?: unknown) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
  const pet = { name: 'x'.repeat(200), species: 'y'.repeat(200) };
  await Promise.all(Array.from({ length: 100 }, () => post('/pet/pets/', pet)));
  await post('/user/users/', { name: 'Alice' });
  for (const id of [1, 2, 3]) await post(`/user/users/1/pets/${id}`);
}

/** Executes a plan on one connection. Resolves when the client has finished with it. */
async function follow({ parts, reads, end }: Plan, port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  if (reads) socket.resume();
  else socket.pause();
  for (const { bytes, pause } of parts) {
    if (!socket.writable) break;
    socket.write(bytes, 'latin1');
    await sleep(pause);
  }
  if (end === 'idle') leaveOpen(socket);
  else if (end === 'reset') socket.resetAndDestroy();
  else if (end === 'destroy') socket.destroy();
  else {
    if (end === 'half-close') socket.end();
    socket.resume();
    await Promise.race([closed, sleep(200, undefined, { ref: false })]);
    socket.destroy();
  }
}

/** Leaves a connection idle. The server must close it. */
function leaveOpen(socket: Socket): void {
  socket.resume().unref();
}

/** Locks the database of the pet service repeatedly, so that its writes wait until they time out. */
async function lockRepeatedly(file: string, isRunning: () => boolean): Promise<void> {
  const database = new Database(file);
  while (isRunning()) {
    try {
      database.exec('BEGIN IMMEDIATE');
      await sleep(700);
      database.exec('COMMIT');
    } catch {
      // The service itself writes.
    }
    await sleep(300);
  }
  database.close();
}

async function findFailedRequests(url: string): Promise<string[]> {
  const paths = ['/health', '/pet/health', '/pet/pets/1', '/user/users/1'];
  const statuses = await Promise.all(paths.map((path) => statusOf(`${url}${path}`)));
  return paths.flatMap((path, index) =>
    statuses[index] === 200 ? [] : [`GET ${path} is ${statuses[index]} at the end`],
  );
}

/** Resolves with the status of a response, or with the error. */
function statusOf(url: string, init?: RequestInit): Promise<number | string> {
  return fetch(url, init).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status;
    },
    (error) => String(error.cause ?? error),
  );
}

async function findKeysInUse(url: string, posts: readonly KeyedPost[]): Promise<string[]> {
  const failures: string[] = [];
  const retry = async ({ path, body, key }: KeyedPost) => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    const status = await statusOf(`${url}${path}`, { method: 'POST', headers, body });
    if (status === 409) failures.push(`the key ${key} of POST ${path} stays in use`);
  };
  for (let index = 0; index < posts.length; index += 20)
    await Promise.all(posts.slice(index, index + 20).map(retry));
  return failures.length > 5 ? [...failures.slice(0, 5), `and ${failures.length - 5} more keys`] : failures;
}
