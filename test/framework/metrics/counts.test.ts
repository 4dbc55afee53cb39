import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { expect, type TestContext, test } from 'vitest';
import { openPeer } from '../../../src/framework/calls/client.ts';
import { openWriter } from '../../../src/framework/database/sqlite/group-commit.ts';
import { Histogram } from '../../../src/framework/metrics/histogram.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { makeFolder } from '../../support/app.ts';

test('a value counts where it is at most the bound, and past all bounds in the last place', () => {
  const distribution = new Histogram([1, 5]);
  for (const value of [0, 1, 1.1, 5, 5.1, 900]) distribution.add(value);
  expect([...distribution.counts]).toEqual([2, 2, 2]);
  expect(distribution.sum).toBeCloseTo(912.2);
});

const content = { 'application/json': { schema: { type: 'array' } } };
const document: OpenApiDocument = {
  openapi: '3.1.0',
  paths: { '/toy/toys/': { get: { responses: { 200: { content } } } } },
};

const json = { 'content-type': 'application/json' };
const answers: Record<string, RequestListener> = {
  ok: (_, response) => void response.writeHead(200, json).end('[]'),
  error_status: (_, response) => void response.writeHead(503, json).end('{}'),
  invalid_response: (_, response) => void response.writeHead(200, json).end('{}'),
  loop: (_, response) => void response.writeHead(508, json).end('{}'),
  network_error: (_, response) => void response.destroy(),
  timeout: () => {},
};

/** An operation of a peer that answers like that. */
async function openOperation(t: TestContext, listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const opened = openPeer('toy', { origin: () => `http://127.0.0.1:${port}`, document, deadline: 200 });
  t.onTestFinished(async () => {
    await opened.close();
    server.close();
    server.closeAllConnections();
  });
  const declare = () => opened.createOperation('get', '/toy/toys/');
  return {
    call: declare(),
    again: declare,
    counts: opened.counts,
  };
}

test.for(Object.keys(answers))(
  'a call that ends as "%s" is counted as that, with how long it took',
  async (outcome, t) => {
    const { call, again, counts } = await openOperation(t, answers[outcome] as RequestListener);
    for (const one of [call, again()]) await one({}).catch(() => {});
    expect([...counts.keys()]).toEqual(['GET /toy/toys/']);
    const { seconds } = counts.get('GET /toy/toys/') as NonNullable<ReturnType<typeof counts.get>>;
    expect([...seconds.keys()]).toEqual([outcome]);
    const { counts: places, sum } = seconds.get(outcome as 'ok') as Histogram;
    expect(places.reduce((total, count) => total + count, 0)).toBe(2);
    expect(sum).toBeGreaterThan(outcome === 'timeout' ? 0.39 : 0);
    expect(sum).toBeLessThan(5);
  },
);

/** A writer whose COMMIT fails like that, where that is said. */
function openFailing(t: TestContext, code?: string) {
  const client = new Client(join(makeFolder(t), 'note.db'));
  t.onTestFinished(() => void client.close());
  client.exec('CREATE TABLE note (text TEXT UNIQUE)');
  return {
    client,
    writer: openWriter({
      prepare(sql) {
        const statement = client.prepare(sql);
        return {
          run() {
            if (sql === 'COMMIT' && code !== undefined)
              throw new Client.SqliteError('as the test has it', code);
            return statement.run();
          },
          get: () => statement.get(),
        };
      },
      get inTransaction() {
        return client.inTransaction;
      },
    }),
  };
}

test.for([
  ['SQLITE_FULL', { full: 3, disk: 0, busy: 0 }],
  ['SQLITE_IOERR_WRITE', { full: 0, disk: 3, busy: 0 }],
] as const)('writes that fail with %s are counted, each of them', async ([code, failures], t) => {
  const { client, writer } = openFailing(t, code);
  const insert = client.prepare('INSERT INTO note VALUES (?)');
  await Promise.allSettled(['a', 'b', 'c'].map((text) => writer.writeStatement(() => insert.run(text))));
  expect(writer.counts.failures).toEqual(failures);
  expect(writer.counts.commits.sum).toBe(0);
});

test('what a write does wrong itself is no failure of the disk', async (t) => {
  const { client, writer } = openFailing(t);
  const insert = client.prepare('INSERT INTO note VALUES (?)');
  await Promise.allSettled(['a', 'a', 'b'].map((text) => writer.writeStatement(() => insert.run(text))));
  expect(writer.counts.failures).toEqual({ full: 0, disk: 0, busy: 0 });
  expect(writer.counts.commits).toMatchObject({ sum: 3 });
  await Promise.allSettled([writer.writeStatement(() => insert.run('a'))]);
  expect(writer.counts.commits).toMatchObject({ sum: 3 });
});
