import { type Static, type TObject, type TSchema, Type } from '@sinclair/typebox';
import { ref, Timestamp } from '../openapi/schema.ts';

/** The events that a service emits: the schema of the `data` of each, by its type. */
export type EventSchemas = Readonly<Record<string, TSchema>>;

/** The form of a type, as in `pet.deleted`. */
export const typePattern = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$/;

/** Emits an event as a statement of the running write: it is durable with the write, or not at all. Await it. */
export type Emit<Events extends EventSchemas> = <Type extends keyof Events & string>(
  type: Type,
  event: {
    /** The thing that the event is about, as in `7`. Events of one subject are handled in order, also after a failure. */
    readonly subject: string | number;
    readonly data: Static<Events[Type]>;
  },
) => Promise<void>;

/** An event as a consumer gets it: CloudEvents 1.0. */
export interface CloudEvent {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly data: unknown;
  readonly traceparent?: string;
}

/** Creates the schema of an event: a CloudEvent, as a component of the service's OpenAPI document. */
export function createEventSchema(service: string, type: string, data: TSchema): TObject {
  const source = `/${service}`;
  return Type.Object(
    {
      specversion: Type.Literal('1.0'),
      id: Type.String({ description: 'Its position in the feed', examples: ['k3f9a0b1-42'] }),
      source: Type.Literal(source),
      type: Type.Literal(type),
      subject: Type.String({ examples: ['7'] }),
      time: Timestamp,
      data: data.$id === undefined ? data : ref(data),
      traceparent: Type.Optional(Type.String({ description: 'The trace of the request that caused it' })),
    },
    { $id: eventSchemaName(type), description: `A CloudEvent of the type ${type}` },
  );
}

/** The name of the component of an event type: `PetDeletedEvent`. */
function eventSchemaName(type: string): string {
  const words = type.split(/[.-]/).map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`);
  return `${words.join('')}Event`;
}
