import { expect, type TestContext, test } from 'vitest';
import { type LogEntry, sendRequest } from '../../support/app.ts';
import { type Collected, makeTrace, startCollector } from '../../support/collector.ts';
import { type Grouping, groupings, startGrouping } from './helper.ts';

const count = 24;
const kinds = { internal: 1, server: 2, client: 3 };
/** The sampling ratio applies to clients without this credential. Traces of clients with it are all recorded. */
const key = 'a-key-of-sixteen-or-more';
const credential = { 'x-internal': `gateway ${key}` };

type Place = Pick<Collected, 'traceId' | 'spanId'>;
type Headers = Record<string, string>;

const idOf = ({ traceId, spanId }: Place) => `${traceId}/${spanId}`;
const idInEntry = ({ trace_id, span_id }: LogEntry) => `${trace_id}/${span_id}`;

/** Creates clients that each have a trace, or that share one. */
function makeClients(traceId?: string) {
  return Array.from({ length: count }, (_, index) => ({ ...makeTrace('01', traceId), user: index + 1 }));
}

/** Starts a grouping, sends requests, and stops it. Returns the recorded spans with functions to find some of them. */
async function record(t: TestContext, grouping: Grouping, send: (url: string) => Promise<void>) {
  const { url: collector, spans, raw } = await startCollector(t);
  // With ratio 0, only traces of clients with the credential are recorded.
  const traces = { url: collector, ratio: 0 };
  const { url, apps, readLogs } = await startGrouping(t, grouping, {
    more: { traces, calls: { deadline: 20_000 }, internal: { key } },
  });
  await send(url);
  // Stop the gateway first, because it waits for the requests that it forwards.
  for (const { process } of apps.values()) {
    process.child.kill('SIGTERM');
    expect((await process.ended).code).toBe(0);
  }

  const find = (name: string, parent: Place) =>
    spans.filter(
      (span) => span.name === name && idOf({ ...span, spanId: span.parentSpanId }) === idOf(parent),
    );
  /** Returns the only child span of this name. */
  function only(name: string, parent: Place): Collected {
    const found = find(name, parent);
    expect(found.map((span) => span.name)).toEqual([name]);
    return found[0] as Collected;
  }
  /** Returns the span of a service for a client, below the spans of the gateway if the gateway forwards to it. */
  function serverOf(service: string, method: string, route: string, client: Place): Collected {
    let parent = client;
    if (!grouping.gateway.includes(service)) {
      const gateway = only(`${method} /${service}/*`, client);
      expect(gateway).toMatchObject({ service: 'gateway', app: 'gateway', kind: kinds.server });
      parent = only(`${method} /${service}/*`, gateway);
      expect(parent).toMatchObject({ service: 'gateway', kind: kinds.client });
    }
    const server = only(`${method} ${route}`, parent);
    expect(server).toMatchObject({ service, kind: kinds.server });
    expect(server.attributes).toMatchObject({
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': 200,
    });
    return server;
  }
  /** Checks the spans of a call, from the caller to the statement of the pet service. */
  function checkCall(parent: Collected): void {
    const call = only('GET /pet/pets/', parent);
    expect(call).toMatchObject({ service: 'user', kind: kinds.client });
    const server = only('GET /pet/pets/', call);
    expect(server).toMatchObject({ service: 'pet', kind: kinds.server });
    const statement = only('SELECT pet', server);
    expect(statement).toMatchObject({ service: 'pet', kind: kinds.client });
    expect(statement.attributes).toMatchObject({
      'db.system.name': 'sqlite',
      'db.system': 'sqlite',
      'db.query.text': expect.stringMatching(/^select .* from "pet" where .*json_each\(\?\)/),
    });
  }
  /** Returns the span of a request for a user, and the span of its lookup of pets. */
  function lookupOf(client: Place): { server: Collected; lookup: Collected } {
    const server = serverOf('user', 'GET', '/user/users/:user_id', client);
    expect(only('SELECT user', server).attributes['db.query.text']).toMatch(/from "user" where .* = \?$/);
    const lookup = only('lookup GET /pet/pets/', server);
    expect(lookup).toMatchObject({ service: 'user', kind: kinds.internal });
    return { server, lookup };
  }
  return {
    spans,
    raw,
    entries: readLogs(),
    only,
    serverOf,
    checkCall,
    lookupOf,
    shared: spans.filter(({ name }) => name === 'shared GET /pet/pets/'),
  };
}

const readUsers = (url: string, clients: readonly { readonly user: number; readonly headers: Headers }[]) =>
  Promise.all(
    clients.map(async ({ user, headers }) => {
      const id = { 'x-request-id': `${headers.traceparent?.slice(3, 35)}-${user}` };
      const { status, body } = await sendRequest(`${url}/user/users/${user}`, 'GET', undefined, {
        ...headers,
        ...id,
        ...credential,
      });
      expect([status, body.pets.length]).toEqual([200, 3]);
    }),
  );

for (const grouping of groupings) {
  test(`${grouping.name}: a trace leads from the client to the statements, through shared calls too`, {
    timeout: 90_000,
    // On a busy machine the requests may come one by one, and then they share no call.
    retry: 3,
  }, async (t) => {
    const separate = makeClients();
    const { traceId } = makeTrace();
    const sameTrace = makeClients(traceId);
    const writer = makeTrace();
    const found = await record(t, grouping, async (url) => {
      // These requests have no credential, so they are not recorded.
      for (const name of ['Rex', 'Tom', 'Kit'])
        await sendRequest(`${url}/pet/pets/`, 'POST', { name, species: 'dog' });
      await Promise.all(
        separate.map(() =>
          sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' }, makeTrace('00').headers),
        ),
      );
      await Promise.all(
        separate.map(({ user }) =>
          sendRequest(`${url}/user/users/${user}`, 'PATCH', { pets_ids: [1, 2, 3] }),
        ),
      );
      await readUsers(url, separate);
      await readUsers(url, sameTrace);
      const change = { name: 'Bobby', pets_ids: [3] };
      await sendRequest(`${url}/user/users/1?secret=hunter2`, 'PATCH', change, {
        ...writer.headers,
        ...credential,
      });
    });
    const { spans, raw, entries, only, serverOf, checkCall, lookupOf, shared } = found;

    // A call that several traces share has a separate trace.
    const lookupsByCall = new Map<string, string[]>();
    for (const client of separate) {
      const { lookup } = lookupOf(client);
      if (lookup.links.length === 0) {
        checkCall(lookup);
        continue;
      }
      expect(lookup.links).toHaveLength(1);
      const call = idOf(lookup.links[0] as Place);
      lookupsByCall.set(call, [...(lookupsByCall.get(call) ?? []), idOf(lookup)]);
    }
    expect([...lookupsByCall.values()].flat().length).toBeGreaterThanOrEqual(10);
    for (const [id, waiting] of lookupsByCall) {
      const call = shared.find((span) => idOf(span) === id) as Collected;
      expect(call).toMatchObject({ service: 'user', kind: kinds.internal, parentSpanId: '' });
      expect(separate.map((client) => client.traceId)).not.toContain(call.traceId);
      expect(call.links.map(idOf).sort()).toEqual(waiting.sort());
      checkCall(call);
    }

    // A call that lookups of one trace share stays in that trace, below the first lookup.
    const lookups = sameTrace.map((client) => lookupOf(client).lookup);
    const within = shared.filter((call) => call.traceId === traceId);
    expect(within.length).toBeGreaterThan(0);
    const linked = within.flatMap((call) => {
      expect(call.parentSpanId).toBe(call.links[0]?.spanId);
      checkCall(call);
      return call.links.map(idOf);
    });
    expect(linked.sort()).toEqual(
      lookups
        .filter(({ links }) => links.length > 0)
        .map(idOf)
        .sort(),
    );
    for (const lookup of lookups.filter(({ links }) => links.length === 0)) checkCall(lookup);
    expect(shared.map(idOf).sort()).toEqual([...lookupsByCall.keys(), ...within.map(idOf)].sort());

    // The span of a write lasts until it is durable, with its statements below it.
    const write = only('write', serverOf('user', 'PATCH', '/user/users/:user_id', writer));
    expect(write.attributes).toMatchObject({ 'db.system.name': 'sqlite', 'db.operation.name': 'COMMIT' });
    for (const name of ['UPDATE user', 'DELETE adoption', 'INSERT adoption', 'SELECT user']) {
      const statement = only(name, write);
      expect(statement.start >= write.start && statement.end <= write.end).toBe(true);
    }
    for (const text of raw) expect(text).not.toMatch(/hunter2|Bobby/);

    // No other trace was recorded.
    const wanted = new Set([...separate, writer].map((client) => client.traceId));
    const traces = new Set(spans.map((span) => span.traceId));
    expect(traces).toEqual(new Set([...wanted, traceId, ...shared.map((call) => call.traceId)]));

    // Every log entry of a recorded trace has the ids of the span of the service that wrote it.
    const traced = entries.filter(({ trace_id }) => trace_id !== undefined);
    const access = traced.filter(({ msg }) => msg === 'request');
    const servers = spans.filter(({ kind }) => kind === kinds.server);
    expect(access.map(idInEntry).sort()).toEqual(servers.map(idOf).sort());
    const byId = new Map(spans.map((span) => [idOf(span), span]));
    for (const entry of traced) expect(byId.get(idInEntry(entry))?.service).toBe(entry.service);
    expect(
      traced
        .filter(({ msg }) => msg === 'shared call')
        .map(idInEntry)
        .sort(),
    ).toEqual(shared.map(idOf).sort());
    for (const client of [...separate, ...sameTrace]) {
      const { server } = lookupOf(client);
      const found = entries.filter(
        ({ reqId, service }) => reqId === `${client.traceId}-${client.user}` && service === 'user',
      );
      expect(found.length).toBeGreaterThan(0);
      for (const entry of found) expect(idInEntry(entry)).toBe(idOf(server));
    }
  });
}
