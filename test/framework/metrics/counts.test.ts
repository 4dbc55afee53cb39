import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { expect, type TestContext, test } from 'vitest';
import { openPeer } from '../../../src/framework/calls/client.ts';
import { openWriter } from '../../../src/framework/database/sqlite/group-commit.ts';
import { Histogram } from '../../../src/framework/metrics/histogram.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { makeFolder } from '../../support/app.ts';
import { startListening } from '../../support/listening.ts';

test('a histogram counts a value at the lowest bound that includes it, and a higher value at the end', () => {
  const histogram = new Histogram([1, 5]);
  for (const value of [0, 1, 1.1, 5, 5.1, 900]) histogram.add(value);
  expect([...histogram.counts]).toEqual([2, 2, 2]);
  expect(histogram.sum).toBeCloseTo(912.2);
});

const content = { 'application/json': { schema: { type: 'array' } } };
const contract: OpenApiDocument = {
  openapi: '3.1.0',
  paths: { '/toy/toys/': { get: { responses: { 200: { content } } } } },
};

const json = { 'content-type': 'application/json' };
const responses: Record<string, RequestListener> = {
  ok: (_, response) => void response.writeHead(200, json).end('[]'),
  error_status: (_, response) => void response.writeHead(503, json).end('{}'),
  invalid_response: (_, response) => void response.writeHead(200, json).end('{}'),
  loop: (_, response) => void response.writeHead(508, json).end('{}'),
  network_error: (_, response) => void response.destroy(),
  timeout: () => {},
};

/** Opens an operation of a peer that responds with `listener`. */
async function openOperation(t: TestContext, listener: RequestListener) {
  const { url } = await startListening(t, createServer(listener));
  const opened = openPeer('toy', { origin: () => url, contract, deadline: 200 });
  t.onTestFinished(() => opened.close());
  const createCall = () => opened.createOperation('get', '/toy/toys/');
  return {
    createCall,
    counts: opened.counts,
  };
}

test.for(Object.keys(responses))(
  'a call with the outcome "%s" is counted with that outcome and its duration',
  async (outcome, t) => {
    const { createCall, counts } = await openOperation(t, responses[outcome] as RequestListener);
    for (const call of [createCall(), createCall()]) await call({}).catch(() => {});
    expect([...counts.keys()]).toEqual(['GET /toy/toys/']);
    const { seconds } = counts.get('GET /toy/toys/') as NonNullable<ReturnType<typeof counts.get>>;
    expect([...seconds.keys()]).toEqual([outcome]);
    const { counts: buckets, sum } = seconds.get(outcome as 'ok') as Histogram;
    expect(buckets.reduce((total, count) => total + count, 0)).toBe(2);
    expect(sum).toBeGreaterThan(outcome === 'timeout' ? 0.39 : 0);
    expect(sum).toBeLessThan(5);
  },
);

/** Opens a writer. Its COMMIT fails with `code`, if one is given. */
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
              throw new Client.SqliteError('injected by the test', code);
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
] as const)('each write that fails with %s is counted', async ([code, failures], t) => {
  const { client, writer } = openFailing(t, code);
  const insert = client.prepare('INSERT INTO note VALUES (?)');
  await Promise.allSettled(['a', 'b', 'c'].map((text) => writer.writeStatement(() => insert.run(text))));
  expect(writer.counts.failures).toEqual(failures);
  expect(writer.counts.commits.sum).toBe(0);
});

test('a write that violates a constraint is not counted as a failure of the disk', async (t) => {
  const { client, writer } = openFailing(t);
  const insert = client.prepare('INSERT INTO note VALUES (?)');
  await Promise.allSettled(['a', 'a', 'b'].map((text) => writer.writeStatement(() => insert.run(text))));
  expect(writer.counts.failures).toEqual({ full: 0, disk: 0, busy: 0 });
  expect(writer.counts.commits).toMatchObject({ sum: 3 });
  await Promise.allSettled([writer.writeStatement(() => insert.run('a'))]);
  expect(writer.counts.commits).toMatchObject({ sum: 3 });
});
