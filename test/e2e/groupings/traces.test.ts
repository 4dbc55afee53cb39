import { expect, type TestContext, test } from 'vitest';
import { type LogEntry, sendRequest } from '../../support/app.ts';
import { type Collected, makeTrace, startCollector } from '../../support/collector.ts';
import { type Grouping, groupings, startGrouping } from './helper.ts';

const count = 24;
const kinds = { internal: 1, server: 2, client: 3 };
/** Of what clients from outside want recorded, the ratio decides. These show that they are apps of the project. */
const key = 'a-key-of-sixteen-or-more';
const credential = { 'x-internal': `gateway ${key}` };

type Place = Pick<Collected, 'traceId' | 'spanId'>;
type Headers = Record<string, string>;

const idOf = ({ traceId, spanId }: Place) => `${traceId}/${spanId}`;
const idOnLine = ({ trace_id, span_id }: LogEntry) => `${trace_id}/${span_id}`;

/** Clients of their own traces, or of one. */
function makeClients(traceId?: string) {
  return Array.from({ length: count }, (_, index) => ({ ...makeTrace('01', traceId), user: index + 1 }));
}

/** Has all of it asked in every process, stops them all, and finds one's way in what came of it. */
async function record(t: TestContext, grouping: Grouping, ask: (url: string) => Promise<void>) {
  const { url: collector, spans, raw } = await startCollector(t);
  // Recorded is only what a client wants recorded.
  const traces = { url: collector, ratio: 0 };
  const { url, apps, lines } = await startGrouping(t, grouping, {
    more: { traces, calls: { deadline: 20_000 }, internal: { key } },
  });
  await ask(url);
  // The gateway first: what it forwards it waits for.
  for (const { process } of apps.values()) {
    process.child.kill('SIGTERM');
    expect((await process.ended).code).toBe(0);
  }

  const find = (name: string, parent: Place) =>
    spans.filter(
      (span) => span.name === name && idOf({ ...span, spanId: span.parentSpanId }) === idOf(parent),
    );
  /** The one of this name below this one. */
  function only(name: string, parent: Place): Collected {
    const found = find(name, parent);
    expect(found.map((span) => span.name)).toEqual([name]);
    return found[0] as Collected;
  }
  /** The span of a service below a client's, through the gateway where that forwards to it. */
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
  /** What the pet service did for a call, from the caller's span of it on. */
  function checkCall(parent: Collected): void {
    const call = only('GET /pet/pets/', parent);
    expect(call).toMatchObject({ service: 'user', kind: kinds.client });
    const answer = only('GET /pet/pets/', call);
    expect(answer).toMatchObject({ service: 'pet', kind: kinds.server });
    const statement = only('SELECT pet', answer);
    expect(statement).toMatchObject({ service: 'pet', kind: kinds.client });
    expect(statement.attributes).toMatchObject({
      'db.system.name': 'sqlite',
      'db.system': 'sqlite',
      'db.query.text': expect.stringMatching(/^select .* from "pet" where .*json_each\(\?\)/),
    });
  }
  /** That there is a user's, and what it waited for. */
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
    lines: lines(),
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
  test(`${grouping.name}: one trace leads from the client to the statements, also through shared calls`, {
    timeout: 90_000,
  }, async (t) => {
    const apart = makeClients();
    const { traceId } = makeTrace();
    const together = makeClients(traceId);
    const writer = makeTrace();
    const found = await record(t, grouping, async (url) => {
      // Nobody wants these recorded.
      for (const name of ['Rex', 'Tom', 'Kit'])
        await sendRequest(`${url}/pet/pets/`, 'POST', { name, species: 'dog' });
      await Promise.all(
        apart.map(() =>
          sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' }, makeTrace('00').headers),
        ),
      );
      await Promise.all(
        apart.map(({ user }) => sendRequest(`${url}/user/users/${user}`, 'PATCH', { pets_ids: [1, 2, 3] })),
      );
      await readUsers(url, apart);
      await readUsers(url, together);
      const change = { name: 'Bobby', pets_ids: [3] };
      await sendRequest(`${url}/user/users/1?secret=hunter2`, 'PATCH', change, {
        ...writer.headers,
        ...credential,
      });
    });
    const { spans, raw, lines, only, serverOf, checkCall, lookupOf, shared } = found;

    // Of several traces, a call that they share has one of its own.
    const waitedFor = new Map<string, string[]>();
    for (const client of apart) {
      const { lookup } = lookupOf(client);
      if (lookup.links.length === 0) {
        checkCall(lookup);
        continue;
      }
      expect(lookup.links).toHaveLength(1);
      const call = idOf(lookup.links[0] as Place);
      waitedFor.set(call, [...(waitedFor.get(call) ?? []), idOf(lookup)]);
    }
    expect([...waitedFor.values()].flat().length).toBeGreaterThanOrEqual(10);
    for (const [id, waiting] of waitedFor) {
      const call = shared.find((span) => idOf(span) === id) as Collected;
      expect(call).toMatchObject({ service: 'user', kind: kinds.internal, parentSpanId: '' });
      expect(apart.map((client) => client.traceId)).not.toContain(call.traceId);
      expect(call.links.map(idOf).sort()).toEqual(waiting.sort());
      checkCall(call);
    }

    // Of one trace, it stays in that, below the first of those who wait.
    const lookups = together.map((client) => lookupOf(client).lookup);
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
    expect(shared.map(idOf).sort()).toEqual([...waitedFor.keys(), ...within.map(idOf)].sort());

    // A write is a span until it is durable, with its statements below it.
    const write = only('write', serverOf('user', 'PATCH', '/user/users/:user_id', writer));
    expect(write.attributes).toMatchObject({ 'db.system.name': 'sqlite', 'db.operation.name': 'COMMIT' });
    for (const name of ['UPDATE user', 'DELETE adoption', 'INSERT adoption', 'SELECT user']) {
      const statement = only(name, write);
      expect(statement.start >= write.start && statement.end <= write.end).toBe(true);
    }
    for (const text of raw) expect(text).not.toMatch(/hunter2|Bobby/);

    // Nothing else was recorded.
    const wanted = new Set([...apart, writer].map((client) => client.traceId));
    const traces = new Set(spans.map((span) => span.traceId));
    expect(traces).toEqual(new Set([...wanted, traceId, ...shared.map((call) => call.traceId)]));

    // Every line of what is recorded has the ids of the span of the service that wrote it.
    const traced = lines.filter(({ trace_id }) => trace_id !== undefined);
    const access = traced.filter(({ msg }) => msg === 'request');
    const servers = spans.filter(({ kind }) => kind === kinds.server);
    expect(access.map(idOnLine).sort()).toEqual(servers.map(idOf).sort());
    const byId = new Map(spans.map((span) => [idOf(span), span]));
    for (const line of traced) expect(byId.get(idOnLine(line))?.service).toBe(line.service);
    expect(
      traced
        .filter(({ msg }) => msg === 'shared call')
        .map(idOnLine)
        .sort(),
    ).toEqual(shared.map(idOf).sort());
    for (const client of [...apart, ...together]) {
      const { server } = lookupOf(client);
      const own = lines.filter(
        ({ reqId, service }) => reqId === `${client.traceId}-${client.user}` && service === 'user',
      );
      expect(own.length).toBeGreaterThan(0);
      for (const line of own) expect(idOnLine(line)).toBe(idOf(server));
    }
  });
}
