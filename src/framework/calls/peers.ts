import type { OkStatus } from 'openapi-typescript-helpers';
import type { ActsAs } from '../context/principal.ts';

/**
 * The types of the operations of each service, by service and operationId. `generated/peers.d.ts` adds the members, with
 * types of `generated/api.d.ts`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: generated/peers.d.ts adds the members, which only an interface permits.
export interface Peers {}

/** The name of a service that others can call. */
export type PeerName = keyof Peers & string;

/**
 * A peer: one property per operation, by operationId. Reading a property declares that the service uses the
 * operation, so read it once, in `routes`: `const { listPets } = peers.pet`.
 */
export type Peer<Name extends PeerName> = PeerOf<Peers[Name]>;

/** A peer with these operations. */
export type PeerOf<Operations> = {
  readonly [Id in Exclude<keyof Operations, 'readEvents'>]: PeerOperation<Operations[Id]>;
} & (Operations extends { readEvents: infer Feed } ? EventSource<EventsOf<Feed>> : unknown);

/** A peer that emits events. */
export interface EventSource<Event extends { readonly type: string }> {
  /**
   * Consumes the events of the peer, from the oldest that it has. Call it once, in `routes`. Each event has its effect
   * exactly once; see docs/events.md.
   */
  events(handlers: EventHandlers<Event>, options?: ConsumeOptions): void;
}

/** The handlers of events, by type. The consumer does not read events of other types. */
export type EventHandlers<Event extends { readonly type: string }> = {
  readonly [Type in Event['type']]?: EventHandler<Extract<Event, { readonly type: Type }>>;
};

/**
 * Handles an event, and returns the function that writes the effect, or nothing if the event has no effect. It may call
 * peers first. A repeated call with an Idempotency-Key has one effect.
 */
export type EventHandler<Event> = (
  event: Event,
) => EventEffect | undefined | Promise<EventEffect | undefined>;

/**
 * Writes the effect of an event, in one write with the consumer's position. It may run again, so it must only run
 * statements, and await each.
 */
export type EventEffect = () => unknown;

export interface ConsumeOptions {
  /**
   * Replaces the handlers if events were deleted before this service handled them. Reads the state of the peer, and
   * returns the function that writes it. Absent: the consumer stops, and `/ready` reports it.
   */
  readonly snapshot?: () => EventEffect | Promise<EventEffect>;
}

/** The events of a feed, from its operation in `generated/api.d.ts`. */
type EventsOf<Feed> = Feed extends {
  responses: { 200: { content: { 'application/cloudevents-batch+json': (infer Event)[] } } };
}
  ? Extract<Event, { readonly type: string }>
  : never;

/** An operation of a peer. `Operation` is its type in `generated/api.d.ts`. */
export interface PeerOperation<Operation> {
  /**
   * Calls the operation. Resolves with the body of the success, which matches the contract.
   * @throws {ServiceUnavailable} The peer did not respond, or its response is no success of the contract.
   * @throws {GatewayTimeout} There was no complete response before the deadline.
   */
  (...init: CallArguments<Operation>): Promise<Success<Operation>>;
  /**
   * Creates a lookup of items by the keys in a query parameter, and declares that the service sends this parameter.
   * Concurrent lookups are batched. The option `key` is the member of an item that contains its key. Default: `id`. With
   * `as: 'caller'`, only lookups with the same token are batched.
   */
  batchBy<Parameter extends ListParameter<Operation>>(
    parameter: Parameter,
    ...options: BatchArguments<Operation, Parameter>
  ): Lookup<KeyOf<Operation, Parameter>, Item<Operation>>;
}

/**
 * Resolves with the existing items, by their keys. Keys may repeat.
 * @throws {ServiceUnavailable | GatewayTimeout} As the operation does. Each caller times out at its own deadline.
 */
export type Lookup<Key, Item> = (keys: readonly Key[]) => Promise<FoundItems<Key, Item>>;

/**
 * The items of a lookup. Read only the requested keys: concurrent lookups share this object, so it may contain further
 * items. For that reason it cannot be listed.
 */
export type FoundItems<Key, Item> = Pick<ReadonlyMap<Key, Item>, 'get' | 'has'>;

/** The parameters and the body of a call. */
export interface CallInit {
  /** The parameters in the path. */
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /**
   * The principal of the call: this service, or the caller of the running request, with that caller's rights. Default:
   * `service` if the operation accepts services.
   */
  readonly as?: ActsAs;
}

type Parameters<Operation, Location extends string> = Operation extends { parameters: infer All }
  ? NonNullable<All[Location & keyof All]>
  : never;

/** A member of `CallInit`: required if any of its parameters is required, absent if the operation has none. */
type Member<Name extends string, Value> = [Value] extends [never]
  ? { readonly [Key in Name]?: never }
  : Partial<Value> extends Value
    ? { readonly [Key in Name]?: Value }
    : { readonly [Key in Name]: Value };

type BodyMember<Operation> = Operation extends {
  requestBody: { content: { 'application/json': infer Body } };
}
  ? { readonly body: Body }
  : Operation extends { requestBody?: { content: { 'application/json': infer Body } } }
    ? { readonly body?: Body }
    : { readonly body?: never };

type Init<Operation> = Member<'params', Parameters<Operation, 'path'>> &
  Member<'query', Parameters<Operation, 'query'>> &
  Member<'headers', Parameters<Operation, 'header'>> & { readonly as?: ActsAs } & BodyMember<Operation>;

type CallArguments<Operation> =
  Partial<Init<Operation>> extends Init<Operation> ? [init?: Init<Operation>] : [init: Init<Operation>];

/** The body of a success. Undefined: a success without a body. */
type Success<Operation> = Operation extends { responses: infer Responses }
  ? { [Status in keyof Responses & OkStatus]: Body<Responses[Status]> }[keyof Responses & OkStatus]
  : never;

type Body<Response> = Response extends { content: { 'application/json': infer Json } } ? Json : undefined;

type Item<Operation> = Success<Operation> extends readonly (infer One)[] ? One : never;

type Query<Operation> = Parameters<Operation, 'query'>;

/** The query parameters with a list of keys. */
type ListParameter<Operation> = {
  [Name in keyof Query<Operation>]-?: NonNullable<Query<Operation>[Name]> extends readonly (string | number)[]
    ? Name
    : never;
}[keyof Query<Operation>] &
  string;

type KeyOf<Operation, Parameter extends keyof Query<Operation>> =
  NonNullable<Query<Operation>[Parameter]> extends readonly (infer Key)[] ? Key : never;

/** The members of an item that may contain its key. */
type KeyMember<One, Key> = { [Name in keyof One]-?: One[Name] extends Key ? Name : never }[keyof One];

interface KeyOption<Name> {
  readonly key: Name;
  readonly as?: ActsAs;
}

type BatchArguments<Operation, Parameter extends keyof Query<Operation>> =
  'id' extends KeyMember<Item<Operation>, KeyOf<Operation, Parameter>>
    ? [options?: Partial<KeyOption<KeyMember<Item<Operation>, KeyOf<Operation, Parameter>>>>]
    : [options: KeyOption<KeyMember<Item<Operation>, KeyOf<Operation, Parameter>>>];
