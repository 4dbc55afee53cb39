import pg from 'pg';
import { expect, type TestContext, test } from 'vitest';
import { readResponse } from '../../../src/framework/testing/send-request.ts';
import { sendRequest, type TestResponse } from '../../support/app.ts';
import { findDebianPostgres, startPostgres } from '../../support/postgres-server.ts';
import { differences, ignored, makeRequests } from './compare.ts';
import { groupings, startGrouping } from './helper.ts';

const seed = 20_241_218;
/** `COMPARED_REQUESTS` in the environment says how many. */
const count = Number(process.env.COMPARED_REQUESTS ?? 500);

/** Lists every grouping on SQLite, then on PostgreSQL if it can be started: Debian's server if it is installed. */
async function listRuns(t: TestContext) {
  const onSqlite = groupings.map((grouping) => ({ grouping, database: undefined }));
  const server = await startPostgres({ bin: findDebianPostgres() }).catch(() => undefined);
  if (server === undefined) return onSqlite;
  t.onTestFinished(() => server.stop());
  const onPostgres = await Promise.all(
    // The daily suite takes one grouping: SQLite in one process is compared with PostgreSQL in several.
    groupings.slice(process.env.GROUPINGS === 'all' ? 0 : 1).map(async (grouping, index) => {
      const client = new pg.Client({ connectionString: server.url });
      await client.connect();
      await client.query(`CREATE DATABASE grouping_${index}`);
      await client.end();
      return { grouping, database: server.url.replace(/\/postgres$/, `/grouping_${index}`) };
    }),
  );
  return [...onSqlite, ...onPostgres];
}

test(`the same ${count} requests get the same responses in every grouping, on SQLite and PostgreSQL`, {
  timeout: 240_000,
}, async (t) => {
  const requests = makeRequests(seed, count);
  let expected: TestResponse[] | undefined;
  let found = 0;
  for (const { grouping, database } of await listRuns(t)) {
    const { url } = await startGrouping(t, grouping, { database });
    const responses: TestResponse[] = [];
    // One after another, because a response depends on the requests before it.
    for (const { method, path, body, headers } of requests)
      responses.push(await sendRequest(`${url}${path}`, method, body, headers));
    expected ??= responses;
    for (const [index, response] of responses.entries()) {
      const differing = differences(expected[index] as TestResponse, response);
      if (differing.length === 0) continue;
      found += 1;
      const { method, path } = requests[index] as (typeof requests)[number];
      console.log(
        `${grouping.name}, ${database ?? 'SQLite'}: ${method} ${path.slice(0, 100)}: ${differing.join('; ')}`,
      );
    }
  }
  const statuses = new Map<number, number>();
  for (const { status } of expected ?? []) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  console.log(
    `seed ${seed}: ${count} requests in each of ${groupings.length} groupings on each database, ${found} differences;`,
    `statuses ${JSON.stringify(Object.fromEntries([...statuses].sort()))}; not compared: ${JSON.stringify(ignored)}`,
  );
  expect(found).toBe(0);
  for (const status of [200, 400, 404, 405, 413, 414, 415, 422])
    expect([...statuses.keys()]).toContain(status);
});

test('the comparison detects a difference in a status, a header or a field', () => {
  const headers = ['content-type', 'application/json', 'date', 'now', 'x-request-id', 'a'];
  const text = '{"name":"Rex","last_fed":"2024-12-18T21:03:51.790256Z"}';
  const create = (status: number, names: string[], body: string) =>
    readResponse(status, names, Buffer.from(body));
  const expected = create(200, headers, text);
  const compare = (status: number, names: string[], body: string) =>
    differences(expected, create(status, names, body));
  const others = ['content-type', 'application/json', 'date', 'later', 'x-request-id', 'b'];
  expect(compare(200, others, text.replace('2024', '2025'))).toEqual([]);
  expect(compare(201, headers, text)).toHaveLength(1);
  expect(compare(200, [...headers, 'allow', 'GET'], text)).toHaveLength(1);
  expect(compare(200, ['content-type', 'text/json', ...headers.slice(2)], text)).toHaveLength(1);
  expect(compare(200, headers, text.replace('Rex', 'Tom'))).toHaveLength(1);
});
