import { type Static, Type } from '@sinclair/typebox';

// The limits of the product. Those of the contract stand in the schemas of the services, and those of lookups and large
// lists beside the code that holds them, in src/framework.

function whole(unit: string, standard: number, minimum: number, maximum: number) {
  const description = `an integer from ${minimum} to ${maximum}, in ${unit}`;
  return Type.Integer({ default: standard, minimum, maximum, description });
}
const group = { additionalProperties: false, default: {}, description: 'a map' };

/** The limits that `limits` of the config sets: each with its unit, its default and its bounds. */
export const Limits = Type.Object(
  {
    // The size of a request. Beyond it: 413, 431, 414, 414.

    /** Its body. The largest that the contracts allow, 2,000 ids, has 36 KB. */
    body: whole('bytes', 65_536, 1_024, 16_777_216),
    /** The request line and the headers. */
    headers: whole('bytes', 16_384, 8_192, 131_072),
    /** Its URL. A call for 300 ids has at most 6,400. */
    url: whole('characters', 8_192, 8_192, 65_536),
    /** One parameter of its path, decoded. */
    parameter: whole('characters', 100, 32, 1_024),

    // Concurrency. Beyond it: 503 with Retry-After, except for health checks and calls between services.

    /** Connections from outside. */
    connections: whole('connections', 2_000, 1, 1_000_000),
    /** Requests from outside that are in work. */
    requests: whole('requests', 2_000, 1, 100_000),
    /**
     * How long what is admitted may wait for its turn, while the process has more to do than it can; but for what is
     * little more work than to refuse it, which `requests` alone bounds.
     */
    wait: whole('ms', 50, 1, 60_000),
    /** Bytes of responses that clients have not read yet. While there are more, the slowest readers are disconnected. */
    unread: whole('bytes', 67_108_864, 1_048_576, 17_179_869_184),
    /** Requests of one client in a minute, then 429; 0: any. Unless given: any on loopback, else 6,000. */
    rate: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'an integer from 0 to 1000000, a minute' }),
    ),

    /** How long things may take. */
    time: Type.Object(
      {
        /** Until the headers of a request are here: then 408. */
        headers: whole('ms', 5_000, 100, 60_000),
        /** Until a request is here, its body too: then 408. */
        request: whole('ms', 10_000, 100, 600_000),
        /** From the request headers to the start of the response. Then 504. */
        handler: whole('ms', 15_000, 100, 600_000),
        /** From the request headers until the client has read the response. Then the connection is closed. */
        answer: whole('ms', 60_000, 100, 3_600_000),
        /** Between two requests of a connection: then it is closed. */
        idle: whole('ms', 72_000, 100, 600_000),
      },
      group,
    ),

    /** Calls from service to service; `calls.deadline` of the config says how long one may take. */
    calls: Type.Object(
      {
        /** Connections to one peer. Further calls wait in a queue, within their deadline. */
        connections: whole('connections', 32, 1, 1_024),
        /** Bytes of the body of a peer's response. A larger one counts as no response. */
        answer: whole('bytes', 16_777_216, 65_536, 1_073_741_824),
      },
      group,
    ),
    /** Requests that a gateway forwards. A response may take twice `calls.deadline`. */
    forwards: Type.Object(
      {
        /** Connections to the app that runs one service. Past them requests wait, within `time.handler`. */
        connections: whole('connections', 64, 1, 1_024),
      },
      group,
    ),
  },
  group,
);
export type Limits = Static<typeof Limits>;

/** `rate`, where it is not given and the app is bound to more than loopback. */
export const defaultRate = 6_000;

/** Limits that the config does not set. */
export const internalLimits = {
  /** Calls from service to service behind one request: more go round in circles, 508. */
  hops: 3,
  /**
   * Connections that may wait to be accepted, or the system's own bound (Linux: net.core.somaxconn) if that is less. Past
   * it a new one is tried again after a second: a call between services that needs one then is too late. Node has 511.
   */
  backlog: 4_096,
  /** How often connections and requests are looked at for being late, in ms. */
  checkEvery: 500,
  /** Requests of one connection that may be in progress; those that a client pipelines behind them wait. */
  pipeline: 8,
  /** How long the work of one event-loop turn may take, in ms; the rest waits for the next turns. */
  turn: 20,
  /** How long a client may take to read a response while `unread` is exceeded, in ms: then its connection is closed. */
  unread: 2_000,
  /** How long a connection must have been idle, in ms, before it is closed to make room for a new one. */
  idle: 1_000,
  /** How long the text of `/metrics` is sent again before it is made again, in ms. */
  metrics: 1_000,
  /** How long a client may keep sending after the last response of its connection, in ms. If the server closed earlier, the client could miss that response. */
  linger: 1_000,
  /** Connections of a gateway to the app of one service for requests to its `/health` and `/ready`. */
  probes: 4,
  /** Timeout in ms of a check of a peer's health or document. */
  look: 500,
  /** How long a client may keep a connection that it does not use, while its server hands over, in ms. */
  handOver: 2_000,
  /**
   * When one of ours has closed it, in ms: long before its server has to, and cuts a request that is on its way. A
   * process keeps those to itself: Node accepts one connection in a turn of its event loop, so in a flood a new one waits.
   */
  unused: 500,
  /**
   * The addresses of a host name in `apps.*.url`: how old they may be before the name is resolved again, and how long an
   * address that fails is left out, in ms. The pause doubles from the first to the max.
   */
  addresses: { refresh: 10_000, pause: { first: 1_000, max: 10_000 } },
  /** Spans for the collector: in one export, waiting for theirs; how often, and how long one may take, in ms. */
  spans: { batch: 512, waiting: 4_096, every: 1_000, timeout: 3_000 },
  /** How long what is in flight may take to end when the process stops, in ms. */
  stop: 10_000,
  /** How much longer an instance may take before its parent kills it, in ms. */
  kill: 1_000,
  /** How long an instance may take to start while others serve, its migrations included, in ms: then it is killed. */
  start: 600_000,
} as const;
