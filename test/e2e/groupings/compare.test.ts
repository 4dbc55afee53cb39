import pg from 'pg';
import { expect, type TestContext, test } from 'vitest';
import { findDebianPostgres, startPostgres } from '../../support/postgres-server.ts';
import { differences, ignored, makeRequests } from './compare.ts';
import { ask, groupings, type RawAnswer, startGrouping } from './helper.ts';

const seed = 20_241_218;
const count = 500;

/** Every grouping on SQLite, then on PostgreSQL if it can be started, with Debian's server if it is installed. */
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
  let expected: RawAnswer[] | undefined;
  let found = 0;
  for (const { grouping, database } of await listRuns(t)) {
    const { url } = await startGrouping(t, grouping, { database });
    const answers: RawAnswer[] = [];
    // One after the other: what a request answers depends on those before it.
    for (const request of requests) answers.push(await ask(url, request));
    expected ??= answers;
    for (const [index, answer] of answers.entries()) {
      const differing = differences(expected[index] as RawAnswer, answer);
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

test('a difference in one status, one header or one field is seen', () => {
  const answer: RawAnswer = {
    status: 200,
    headers: { 'content-type': 'application/json', date: 'now', 'x-request-id': 'a' },
    body: '{"name":"Rex","last_fed":"2024-12-18T21:03:51.790256Z"}',
  };
  const other = { ...answer, headers: { ...answer.headers, date: 'later', 'x-request-id': 'b' } };
  expect(differences(answer, { ...other, body: other.body.replace('2024', '2025') })).toEqual([]);
  expect(differences(answer, { ...other, status: 201 })).toHaveLength(1);
  expect(differences(answer, { ...other, headers: { ...other.headers, allow: 'GET' } })).toHaveLength(1);
  expect(
    differences(answer, { ...other, headers: { ...other.headers, 'content-type': 'text/html' } }),
  ).toHaveLength(1);
  expect(differences(answer, { ...other, body: other.body.replace('Rex', 'Tom') })).toHaveLength(1);
});
