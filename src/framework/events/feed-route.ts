import { setTimeout as sleep } from 'node:timers/promises';
import { type TSchema, Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { internalLimits } from '../config/limits.ts';
import { currentContext } from '../context/context.ts';
import { formatInstant } from '../database/instant.ts';
import { defineProblem } from '../errors/define-problem.ts';
import { Problem } from '../errors/problem.ts';
import type { ServiceScope } from '../http/service-scope.ts';
import { batchMediaType, feedOperationId } from '../openapi/event-feed.ts';
import { defaulted, ref } from '../openapi/schema.ts';
import { createEventSchema, type EventSchemas } from './event-schemas.ts';
import type { FeedState, FeedStore, StoredEvent } from './feed-store.ts';
import type { FeedWatch } from './feed-watch.ts';
import { formatPosition, type Position, parsePosition, positionPattern } from './position.ts';

const eventsGone = defineProblem(
  410,
  'events-gone',
  'Events after this position are deleted: retention is over',
);
const feedRewound = defineProblem(
  410,
  'feed-rewound',
  'This position is of another history: the database was restored from a backup',
);

/** The header with the newest position of the feed. */
export const newestHeader = 'x-feed-newest';

/** The minimum time between two reads of a waiting poll, in ms. */
const minRoundMs = 20;

interface FeedRouteOptions {
  readonly service: string;
  readonly events: EventSchemas;
  readonly store: FeedStore;
  readonly watch: FeedWatch;
}

/** Adds `GET /events`: the feed of a service, as a batch of CloudEvents. */
export function addFeedRoute(scope: ServiceScope, { service, events, store, watch }: FeedRouteOptions): void {
  const schemas = Object.entries(events).map(([type, data]) => createEventSchema(service, type, data));
  for (const schema of schemas) scope.addSchema(schema);
  const item = Type.Union(schemas.map((schema) => ref(schema)));

  scope.get(
    '/events',
    {
      config: { isLongPoll: true },
      preValidation: splitTypes,
      schema: {
        operationId: feedOperationId,
        summary: 'Read events in order, or wait for the next one',
        description:
          'Send the id of the last event as `after` to read on. No event is skipped. An id stays a valid position after its \
event is deleted.',
        querystring: querySchema(Object.keys(events)),
        response: { 200: describeBatch(Type.Array(item)) },
        errors: [eventsGone, feedRewound],
      },
    },
    async ({ query }, reply) => {
      const { after, limit, timeout, types } = query;
      const read = await readBatch(after, limit, types, timeout);
      reply.header(newestHeader, formatPosition({ epoch: read.state.epoch, number: read.state.last }));
      reply.header('cache-control', 'no-store').type(batchMediaType);
      const source = `/${service}`;
      return reply.send(`[${read.events.map((event) => writeEvent(event, read.state, source)).join(',')}]`);
    },
  );

  async function readBatch(
    after: string | undefined,
    limit: number,
    types: readonly string[] | undefined,
    timeout: number,
  ): Promise<{ readonly state: FeedState; readonly events: readonly StoredEvent[] }> {
    const end = performance.now() + timeout;
    const request = currentContext()?.request;
    const position = after === undefined ? undefined : parsePosition(after);
    const isOver = () => request?.isOver === true;
    // The poll has read up to this position. All events after `after` so far are of other types.
    let from = position?.number ?? 0;
    for (;;) {
      const begun = performance.now();
      const state = await store.assignPositions();
      const found = await store.read(from, limit, types);
      // Check the position after the read, because retention may delete events before the read.
      if (position !== undefined) await assertValid(position, await store.readState());
      const left = end - performance.now();
      if (found.length > 0 || left <= 0 || scope.isDraining()) return { state, events: found };
      from = Math.max(from, state.last);
      await watch.wait(state.last, left, isOver);
      // Limit the rounds, because each round may write positions, and events of other types may come all the time.
      const early = minRoundMs - (performance.now() - begun);
      if (early > 0) await sleep(early);
      // Do not read again for a client that has disconnected, because an app that stops does not wait for this read.
      if (isOver()) return { state, events: found };
    }
  }

  /** @throws {Problem} 410 if the position is not valid. */
  async function assertValid(position: Position, state: FeedState): Promise<void> {
    const invalid = await store.findInvalid(position, state);
    if (invalid === undefined) return;
    const { epoch } = state;
    const { reason, shared } = invalid;
    const { status, type, detail } = reason === 'gone' ? eventsGone : feedRewound;
    const newest = formatPosition({ epoch, number: state.last });
    const more = shared === undefined ? {} : { shared: formatPosition({ epoch, number: shared }) };
    throw new Problem(status, detail, { type, extra: { newest, ...more } });
  }
}

function querySchema(types: readonly string[]) {
  return Type.Object({
    after: Type.Optional(
      Type.String({
        pattern: positionPattern,
        maxLength: 24,
        description: 'The id of the last event that was read. Absent: from the oldest event',
      }),
    ),
    limit: defaultedInteger(1, 100, 100, 'The maximum number of events'),
    timeout: defaultedInteger(0, internalLimits.pollMs, 0, 'The maximum time to wait for an event, in ms'),
    types: Type.Optional(
      Type.Array(Type.Unsafe<string>({ type: 'string', enum: types }), {
        minItems: 1,
        maxItems: types.length,
        description: 'Only events of these types, separated by commas. The parameter may also be repeated',
      }),
    ),
  });
}

/** Reads `types=a,b` like `types=a&types=b`. */
function splitTypes(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  const query = request.query as { types?: string | string[] };
  if (query.types !== undefined) query.types = [query.types].flat().join().split(',');
  done();
}

function defaultedInteger(minimum: number, maximum: number, defaultValue: number, description: string) {
  return defaulted(Type.Integer({ minimum, maximum, default: defaultValue, description }));
}

function describeBatch(schema: TSchema) {
  const description = 'The events in the order of the feed. An empty list: there is no later event yet';
  return {
    description,
    content: { [batchMediaType]: { schema } },
  };
}

/** Writes an event as JSON. `emit` has checked its data and stored it as JSON. */
function writeEvent(event: StoredEvent, { epoch }: FeedState, source: string): string {
  const { position, type, subject, time, data, traceparent } = event;
  const members = JSON.stringify({
    ...{ specversion: '1.0', id: formatPosition({ epoch, number: position }), source, type, subject },
    ...{ time: formatInstant(time), traceparent: traceparent ?? undefined },
  });
  return `${members.slice(0, -1)},"data":${data}}`;
}
