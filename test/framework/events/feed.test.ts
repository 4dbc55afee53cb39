import { describe, expect, test } from 'vitest';
import type { CloudEvent } from '../../../src/framework/events/event-schemas.ts';
import type { Service } from '../../../src/framework/service/define-service.ts';
import { addNotes, note, readFeed, startApp, textOf } from './helper.ts';

const services = [note as unknown as Service];

describe('GET /events', () => {
  test('responds with CloudEvents in the order of their writes', async (t) => {
    const app = await startApp(t, { services });
    await addNotes(app, 'a', 'one', 'two');
    await addNotes(app, 'b', 'three');
    const { status, headers, events } = await readFeed(app);
    expect([status, headers.get('content-type')]).toEqual([
      200,
      'application/cloudevents-batch+json; charset=utf-8',
    ]);
    expect(events.map(textOf)).toEqual(['one', 'two', 'three']);
    expect(events[0]).toEqual({
      specversion: '1.0',
      id: expect.stringMatching(/^[a-z0-9]{8}-1$/),
      source: '/note',
      type: 'note.added',
      subject: 'a',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      data: { text: 'one' },
    });
    expect(headers.get('x-feed-newest')).toBe(events.at(-1)?.id);
  });

  test('pages by the id of the last event, and keeps the trace of the request', async (t) => {
    const app = await startApp(t, { services });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await app.post('/note/notes/', { subject: 'a', texts: ['one', 'two', 'three'] }, { traceparent });
    const read: CloudEvent[] = [];
    for (let after = ''; ; ) {
      const { events } = await readFeed(app, `limit=2${after}`);
      if (events.length === 0) break;
      read.push(...events);
      after = `&after=${events.at(-1)?.id}`;
    }
    expect(read.map(textOf)).toEqual(['one', 'two', 'three']);
    expect(read.map(({ traceparent: trace }) => trace?.split('-')[1])).toEqual(
      Array(3).fill('0af7651916cd43dd8448eb211c80319c'),
    );
  });

  test('is JSON whatever the trace header of a client contains', async (t) => {
    const app = await startApp(t, { services });
    // A later version of the header may have any characters at its end.
    const traceparent = '01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-"\\';
    await app.post('/note/notes/', { subject: 'a', texts: ['one'] }, { traceparent });
    expect((await readFeed(app)).events).toMatchObject([{ subject: 'a', traceparent }]);
  });

  test('leaves out other types, and passes over them', async (t) => {
    const app = await startApp(t, { services });
    await addNotes(app, 'a', 'one');
    await app.delete('/note/notes/');
    await addNotes(app, 'a', 'two');
    expect((await readFeed(app, 'types=note.removed')).events.map(({ type }) => type)).toEqual([
      'note.removed',
    ]);
    expect((await readFeed(app, 'types=note.added')).events.map(textOf)).toEqual(['one', 'two']);
    expect((await readFeed(app, 'types=note.added&types=note.removed')).events).toHaveLength(3);
    expect((await readFeed(app, 'types=note.added,note.removed')).events).toHaveLength(3);
  });

  test.for([
    'after=x',
    'after=12345678-01',
    'limit=0',
    'limit=101',
    'timeout=30001',
    'types=note.lost',
    'types=',
    'types=note.added,',
  ])('rejects %s with 422', async (query, t) => {
    const app = await startApp(t, { services });
    expect((await readFeed(app, query)).status).toBe(422);
  });

  test('rejects a position of another history and one ahead of the feed with 410', async (t) => {
    const app = await startApp(t, { services });
    await addNotes(app, 'a', 'one');
    const { events } = await readFeed(app);
    const epoch = events[0]?.id.slice(0, 8);
    for (const after of ['00000000-1', `${epoch}-2`]) {
      const { status, body } = await readFeed(app, `after=${after}`);
      expect([status, body.type, body.newest]).toEqual([410, 'urn:problem-type:feed-rewound', `${epoch}-1`]);
    }
  });
});

describe('a long poll', () => {
  test('waits for the next event, and is no request in flight', async (t) => {
    const app = await startApp(t, { services, config: { limits: { time: { handler: 100 } } } });
    const waiting = readFeed(app, 'timeout=30000');
    await expect.poll(() => app.app.server.inFlight.length).toBe(1);
    // Twice as long as a handler may take, and as the check of the timeouts takes to come.
    await new Promise((wake) => setTimeout(wake, 1_200));
    expect((await app.get('/metrics')).body).not.toMatch(/http_requests_in_flight\{service="note"/);
    await addNotes(app, 'a', 'one');
    expect((await waiting).events.map(textOf)).toEqual(['one']);
    expect((await app.get('/metrics')).body).not.toMatch(/_count\{[^}]*route="\/note\/events"/);
  });

  test('ends without events after its timeout', async (t) => {
    const app = await startApp(t, { services });
    const begun = performance.now();
    const { status, events } = await readFeed(app, 'timeout=300');
    expect([status, events]).toEqual([200, []]);
    expect(performance.now() - begun).toBeGreaterThan(295);
  });

  test('waits on while events of other types come', async (t) => {
    const app = await startApp(t, { services });
    const waiting = readFeed(app, 'timeout=30000&types=note.removed');
    await addNotes(app, 'a', 'one');
    await app.delete('/note/notes/');
    expect((await waiting).events.map(({ type }) => type)).toEqual(['note.removed']);
  });

  test('ends when the server stops', async (t) => {
    const app = await startApp(t, { services });
    const waiting = readFeed(app, 'timeout=30000');
    await expect.poll(() => app.app.server.inFlight.length).toBe(1);
    await app.app.stop();
    expect((await waiting).events).toEqual([]);
  });

  test('waits through the gateway for longer than other requests may take', async (t) => {
    const app = await startApp(t, { services, split: true, config: { calls: { deadline: 100 } } });
    const waiting = readFeed(app, 'timeout=30000');
    await new Promise((wake) => setTimeout(wake, 1_000));
    await addNotes(app, 'a', 'one');
    expect((await waiting).events.map(textOf)).toEqual(['one']);
  });
});
