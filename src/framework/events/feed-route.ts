import { type TSchema, Type } from '@sinclair/typebox';
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

export const eventsGone = defineProblem(
  410,
  'events-gone',
  'Events after this position are deleted: retention is over',
);
export const feedRewound = defineProblem(
  410,
  'feed-rewound',
  'This position is of another history: the database was restored from a backup',
);

/** The header with the newest position of the feed: from there on there are no events yet. */
export const newestHeader = 'x-feed-newest';

export interface FeedRouteOptions {
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
      schema: {
        operationId: feedOperationId,
        summary: 'Read events in order, or wait for the next one',
        description:
          'A reader never misses an event: it asks again with the id of the last event that it has. An id stays a valid \
position after its event is deleted.',
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
    for (;;) {
      const state = await store.assignPositions();
      const number = after === undefined ? 0 : await resolvePosition(parsePosition(after), state);
      const found = await store.read(number, limit, types);
      const left = end - performance.now();
      const isOver = () => request?.isOver === true;
      if (found.length > 0 || left <= 0 || isOver() || scope.isDraining()) return { state, events: found };
      await watch.wait(state.last, left, isOver);
    }
  }

  /** @throws {Problem} 410 if no reader can go on from there. */
  async function resolvePosition(position: Position, state: FeedState): Promise<number> {
    const invalid = await store.findInvalid(position, state);
    if (invalid === undefined) return position.number;
    const { epoch } = state;
    const newest = formatPosition({ epoch, number: state.last });
    const { status, type, detail } = invalid.reason === 'gone' ? eventsGone : feedRewound;
    const hasShared = invalid.reason === 'rewound' && invalid.shared !== undefined;
    const shared = hasShared ? { shared: formatPosition({ epoch, number: invalid.shared as number }) } : {};
    throw new Problem(status, detail, { type, extra: { newest, ...shared } });
  }
}

function querySchema(types: readonly string[]) {
  return Type.Object({
    after: Type.Optional(
      Type.String({
        pattern: positionPattern,
        maxLength: 24,
        description: 'The id of the last event that the reader has. Absent: from the oldest',
      }),
    ),
    limit: defaultedInteger(1, 100, 100, 'How many at most'),
    timeout: defaultedInteger(
      0,
      internalLimits.pollMs,
      0,
      'How many ms to wait for an event if there is none',
    ),
    types: Type.Optional(
      Type.Array(Type.Unsafe<string>({ type: 'string', enum: types }), {
        minItems: 1,
        maxItems: types.length,
        description: 'Only events of these types',
      }),
    ),
  });
}

function defaultedInteger(minimum: number, maximum: number, standard: number, description: string) {
  return defaulted(Type.Integer({ minimum, maximum, default: standard, description }));
}

function describeBatch(schema: TSchema) {
  const description = 'Events in the order of the feed; none: there are no later ones yet';
  return {
    description,
    content: { [batchMediaType]: { schema } },
  };
}

/** Writes an event as JSON. Its data is JSON already, checked when it was emitted. */
function writeEvent(event: StoredEvent, { epoch }: FeedState, source: string): string {
  const { position: number, type, subject, time, data, traceparent } = event;
  const head = `{"specversion":"1.0","id":"${formatPosition({ epoch, number })}","source":"${source}","type":"${type}"`;
  const trace = traceparent === null ? '' : `,"traceparent":"${traceparent}"`;
  return `${head},"subject":${JSON.stringify(subject)},"time":"${formatInstant(time)}","data":${data}${trace}}`;
}
