import SerializerSelector from '@fastify/fast-json-stringify-compiler';
import type { TSchema } from '@sinclair/typebox';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { currentContext } from '../context/context.ts';
import type { Database } from '../database/database.ts';
import { nowMicros } from '../database/instant.ts';
import { currentWrite } from '../database/running-write.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import type { Emit, EventSchemas } from './event-schemas.ts';
import type { FeedStore } from './feed-store.ts';

interface EmitOptions {
  readonly service: string;
  readonly database: Database;
  readonly store: FeedStore;
  /** The schemas with an `$id`, for references of the schemas of events. */
  readonly schemas: readonly TSchema[];
  /** Called for each emitted event, before its write is durable. */
  onEmit(): void;
}

const maxSubject = 200;

/** Creates `emit` of a service. It checks the data against the schema, and stores the members that the schema has. */
export function createEmit(events: EventSchemas, options: EmitOptions): Emit<EventSchemas> {
  const { service, database, store, onEmit } = options;
  const writers = compileWriters(events, options.schemas);

  return async (type, { subject, data }) => {
    const fail = (problem: string) => new DefinitionError(`${service}: emit('${type}') ${problem}`);
    if (currentWrite(database.identity) === undefined)
      throw fail('is outside of a write: call it in database.write, so that the event and its cause are one');
    const write = writers.get(type);
    if (write === undefined)
      throw fail(`is not among its events ${[...writers.keys()].join(', ')}: add it there`);
    const text = String(subject);
    if (text === '' || text.length > maxSubject || text.includes('\0'))
      throw fail(`needs a subject of 1 to ${maxSubject} characters without U+0000`);
    const { propagated, span } = currentContext() ?? {};
    store.append({
      type,
      subject: text,
      time: nowMicros(),
      data: write(data, fail),
      traceparent: span?.traceparent ?? propagated?.traceparent ?? null,
    });
    onEmit();
  };
}

type Write = (data: unknown, fail: (problem: string) => Error) => string;

function compileWriters(events: EventSchemas, schemas: readonly TSchema[]): ReadonlyMap<string, Write> {
  const ajv = new Ajv({ strict: false, meta: false, validateSchema: false });
  formats.default(ajv);
  for (const schema of schemas) ajv.addSchema(schema);
  const known = Object.fromEntries(schemas.map((schema) => [schema.$id, schema]));
  const compile = SerializerSelector()(known, {});
  return new Map(
    Object.entries(events).map(([type, schema]) => {
      const check = ajv.compile(schema);
      const serialize = compile({ schema, method: '', url: '', httpStatus: '200' });
      const write: Write = (data, fail) => {
        if (check(data)) return serialize(data);
        const [error] = check.errors ?? [];
        throw fail(
          `has data that does not match its schema: ${error?.instancePath || 'it'} ${error?.message}`,
        );
      };
      return [type, write];
    }),
  );
}
