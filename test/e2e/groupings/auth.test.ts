import { expect, test } from 'vitest';
import { createTestIssuer } from '../../../src/framework/testing/index.ts';
import { sendRequest, type TestResponse } from '../../support/app.ts';
import { authService } from '../../support/auth-service.ts';
import { createPostgresDatabase } from '../../support/postgres-query.ts';
import { startPostgresIfAvailable } from '../../support/postgres-server.ts';
import { differences, isOfGateway, makeRequests, sendAll, withToken } from './compare.ts';
import { groupings, startGrouping } from './helper.ts';

const requests = makeRequests(20_261_127, 150);
const scopes = ['pet:read', 'pet:write', 'user:read'];
const alice = { email: 'alice@example.com', password: 'three brown kettles' };

test.skipIf(authService === undefined)(
  'with authentication every grouping, database and issuer gives the same responses',
  {
    timeout: 240_000,
  },
  async (t) => {
    const issuer = await createTestIssuer(t);
    const server = await startPostgresIfAvailable();
    t.onTestFinished(() => server?.stop());
    const onSqlite = groupings.map((grouping) => ({ grouping, isPostgres: false }));
    const onPostgres = groupings.slice(1, 2).map((grouping) => ({ grouping, isPostgres: true }));
    const runs = [...onSqlite, ...(server === undefined ? [] : onPostgres)].flatMap((run) => [
      { ...run, isBuiltIn: false },
      { ...run, isBuiltIn: true },
    ]);
    const internal = { key: 'a-key-of-the-test-apps' };
    let expected: TestResponse[] | undefined;
    for (const { grouping, isPostgres, isBuiltIn } of runs) {
      const database = isPostgres && server !== undefined ? await createPostgresDatabase(server) : undefined;
      const accounts = isBuiltIn ? { register: 'open', scopes } : undefined;
      const more = { internal, auth: { issuer: isBuiltIn ? 'auth' : issuer.url } };
      const { url } = await startGrouping(t, grouping, { database, accounts, more });
      if (isBuiltIn) await sendRequest(`${url}/auth/users/`, 'POST', alice);
      const token: string = isBuiltIn
        ? (await sendRequest(`${url}/auth/login`, 'POST', alice)).body.access_token
        : await issuer.sign({ sub: '1', scopes });
      const responses = await sendAll(url, withToken(requests, token));
      expected ??= responses;
      const found = responses.flatMap((response, index) => {
        const request = requests[index] as (typeof requests)[number];
        if (isOfGateway(request)) return [];
        return differences((expected as TestResponse[])[index] as TestResponse, response).map(
          (one) => `${request.method} ${request.path}: ${one}`,
        );
      });
      expect({ grouping: grouping.name, isPostgres, isBuiltIn, found }).toEqual({
        ...{ grouping: grouping.name, isPostgres, isBuiltIn },
        found: [],
      });
    }
    const statuses = new Set((expected ?? []).map(({ status }) => status));
    for (const status of [200, 401, 403, 404, 422]) expect([...statuses]).toContain(status);
  },
);
