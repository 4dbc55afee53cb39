import pg from 'pg';
import { expect, type TestContext, test } from 'vitest';
import { readResponse } from '../../../src/framework/testing/send-request.ts';
import { sendRequest, type TestResponse } from '../../support/app.ts';
import { startPostgresIfAvailable } from '../../support/postgres-server.ts';
import { type ComparedRequest, differences, ignored, makeRequests } from './compare.ts';
import { groupings, type RunningGrouping, startGrouping, waitFor } from './helper.ts';

const seed = 20_241_218;
/** `COMPARED_REQUESTS` in the environment says how many. */
const count = Number(process.env.COMPARED_REQUESTS ?? 500);

/** Lists every grouping on SQLite, then on PostgreSQL if it can be started: Debian's server if it is installed. */
async function listRuns(t: TestContext) {
  const onSqlite = groupings.map((grouping) => ({ grouping, database: undefined }));
  const server = await startPostgresIfAvailable();
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

const json = { 'content-type': 'application/json' };
const create = (path: string, body: object) => {
  return { method: 'POST', path, headers: json, body: JSON.stringify(body) };
};
/** Create users and pets for the random requests. */
const firstRequests: ComparedRequest[] = [
  ...Array.from({ length: 6 }, () => create('/pet/pets/', { name: 'Rex', species: 'dog' })),
  ...Array.from({ length: 3 }, () => create('/user/users/', { name: 'Alice' })),
];
/** Delete adopted pets, after the random requests. */
const deletions: ComparedRequest[] = [
  ...[1, 2, 3].map((user) => ({ method: 'POST', path: `/user/users/${user}/pets/${user + 1}` })),
  ...[1, 2, 3].map((pet) => ({ method: 'DELETE', path: `/pet/pets/${pet}` })),
];

const ids = [1, 2, 3, 4, 5, 6, 7, 8, 9];
/** Shows the state afterwards. An adoption that is left is ended: 200 shows that it was there, even of a deleted pet. */
const finalRequests: ComparedRequest[] = [
  { method: 'GET', path: '/pet/pets/' },
  { method: 'GET', path: '/user/users/' },
  ...ids.flatMap((user) => ids.map((pet) => ({ method: 'DELETE', path: `/user/users/${user}/pets/${pet}` }))),
];

/** Waits until the user service has handled the event of each deleted pet. */
async function untilEventsHandled({ apps }: RunningGrouping, deleted: number): Promise<void> {
  const pattern = /^events_handled_total\{service="user",peer="pet",outcome="ok".*\} (\d+)$/m;
  await waitFor(async () => {
    const pages = [...apps.values()].map(({ url }) => sendRequest(`${url}/metrics`, 'GET'));
    const counts = (await Promise.all(pages)).map(({ body }) => Number(pattern.exec(body)?.[1] ?? 0));
    return counts.reduce((sum, one) => sum + one, 0) === deleted;
  });
}

test(`the same ${count} requests get the same responses and lead to the same state in every grouping, on SQLite and PostgreSQL`, {
  timeout: 240_000,
}, async (t) => {
  const before = [...firstRequests, ...makeRequests(seed, count), ...deletions];
  const requests = [...before, ...finalRequests];
  let expected: TestResponse[] | undefined;
  let found = 0;
  for (const { grouping, database } of await listRuns(t)) {
    const running = await startGrouping(t, grouping, { database });
    const responses: TestResponse[] = [];
    let deleted = 0;
    // One after another, because a response depends on the requests before it.
    for (const [index, { method, path, body, headers }] of requests.entries()) {
      if (index === before.length) await untilEventsHandled(running, deleted);
      const response = await sendRequest(`${running.url}${path}`, method, body, headers);
      responses.push(response);
      if (method === 'DELETE' && path.startsWith('/pet/pets/') && response.status === 200) deleted += 1;
    }
    expect(deleted).toBeGreaterThan(0);
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
