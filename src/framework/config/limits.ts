import { type Static, Type } from '@sinclair/typebox';

// Limits elsewhere: the schemas of the services limit the contract, and `calls/batch/queue.ts` and
// `service/sliced-list.ts` limit lookups and large lists.

/** An integer with a unit, a default and a range, which errors describe. */
export function integer(unit: string, defaultValue: number, minimum: number, maximum: number) {
  const description = `an integer from ${minimum} to ${maximum}, in ${unit}`;
  return Type.Integer({ default: defaultValue, minimum, maximum, description });
}
const group = { additionalProperties: false, default: {}, description: 'a map' };

/** The limits that `limits` of the config sets: each with its unit, default, minimum and maximum. */
export const Limits = Type.Object(
  {
    // The size of a request. A larger request gets 413 (body), 431 (headers) or 414 (url, parameter).

    /** The body. The largest body that the contracts allow, 2,000 ids, has 36 KB. */
    body: integer('bytes', 65_536, 1_024, 16_777_216),
    /** The request line and the headers. */
    headers: integer('bytes', 16_384, 8_192, 131_072),
    /** The URL. A call for 300 ids has at most 6,400 characters. */
    url: integer('characters', 8_192, 8_192, 65_536),
    /** A parameter of the path, decoded. */
    parameter: integer('characters', 100, 32, 1_024),

    // Concurrency. Further requests get 503 with Retry-After, except exempt paths and calls between services.

    /** Connections of clients. */
    connections: integer('connections', 2_000, 1, 1_000_000),
    /** Requests of clients in progress. */
    requests: integer('requests', 2_000, 1, 100_000),
    /**
     * How long an accepted request may wait while the process is overloaded. Requests that cost little more than their
     * rejection are exempt: only `requests` limits them. At least `time.handler`: no limit.
     */
    wait: integer('ms', 50, 1, 60_000),
    /** Bytes of responses that clients have not read yet. If there are more, the server disconnects the slowest readers. */
    unread: integer('bytes', 67_108_864, 1_048_576, 17_179_869_184),
    /** Requests of a client per minute. Further requests get 429. 0: no limit. Default: see `rateOf`. */
    rate: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'an integer from 0 to 1000000, a minute' }),
    ),

    /** Timeouts. */
    time: Type.Object(
      {
        /** Until the server has received the headers of a request. Then 408. */
        headers: integer('ms', 5_000, 100, 60_000),
        /** Until the server has received a request with its body. Then 408. */
        request: integer('ms', 10_000, 100, 600_000),
        /** From the request headers to the start of the response. Then 504. */
        handler: integer('ms', 15_000, 100, 600_000),
        /** From the request headers until the client has read the response. Then the server closes the connection. */
        answer: integer('ms', 60_000, 100, 3_600_000),
        /** Between two requests of a connection. Then the server closes the connection. */
        idle: integer('ms', 72_000, 100, 600_000),
      },
      group,
    ),

    /** Calls from service to service. Their deadline is `calls.deadline` of the config. */
    calls: Type.Object(
      {
        /** Connections to each address of a peer. Further calls wait for a connection until their deadline. */
        connections: integer('connections', 32, 1, 1_024),
        /** Bytes of the body of a peer's response. A larger response counts as no response. */
        answer: integer('bytes', 16_777_216, 65_536, 1_073_741_824),
      },
      group,
    ),
    /** Requests that a gateway forwards. A response may take twice `calls.deadline`. */
    forwards: Type.Object(
      {
        /**
         * Connections to each address of the app of a service. Further requests wait for a connection until
         * `time.handler`.
         */
        connections: integer('connections', 64, 1, 1_024),
      },
      group,
    ),
  },
  group,
);
export type Limits = Static<typeof Limits>;

/** The default of `rate` for an app that other machines can reach. */
export const defaultRate = 6_000;

/** Limits that the config does not set. */
export const internalLimits = {
  /** Calls from service to service behind a request of a client. A longer chain is a loop: 508. */
  hops: 3,
  /**
   * Connections that may wait until the server accepts them. The system may have a lower limit (Linux:
   * net.core.somaxconn). The system retries a further connection only after a second, and a call between services then
   * times out. The default of Node is 511.
   */
  backlog: 4_096,
  /** The interval between checks for timed-out connections and requests. */
  checkEveryMs: 500,
  /** Requests of a connection in progress. Further pipelined requests wait. */
  pipeline: 8,
  /** The maximum duration of the work of an event-loop turn. Further work waits for the next turns. */
  turnMs: 20,
  /** The time to read a response while `unread` is exceeded. Then the server closes the connection. */
  unreadMs: 2_000,
  /** The idle time after which a connection may be closed to make room for a new connection. */
  idleMs: 1_000,
  /** The maximum age of the text of `/metrics`. A later scrape gets a new text. */
  metricsMs: 1_000,
  /** The duration of a lingering close. If the server closed earlier, the client could miss the last response. */
  lingerMs: 1_000,
  /** The maximum time that a request waits for the next event. */
  pollMs: 30_000,
  /** The maximum life of an access token. The `auth` service issues no token that lives longer. */
  accessTokenMs: 86_400_000,
  /** The maximum bytes of the headers that a gateway adds to a request: id, trace, address of the client, credential. */
  addedHeaders: 1_024,
  /** Connections of a gateway to the app of a service for requests to its `/health` and `/ready`. */
  probes: 4,
  /** The timeout of a check of a peer's health or document. */
  checkMs: 500,
  /** The time for which a client may keep an unused connection while its server hands over. */
  handOverMs: 2_000,
  /**
   * The time after which an app closes an unused connection to another app. It is well below `handOverMs`, because a server
   * that closes a connection may cut a request that is on its way. Connections of a process to itself have no such limit:
   * Node accepts one connection per event-loop turn, so under overload a new connection waits.
   */
  unusedMs: 500,
  /**
   * The addresses of a host name in `apps.*.url`: the age after which the name is resolved again, and the time for
   * which a failed address is left out. The pause doubles from `firstMs` to `maxMs`.
   */
  addresses: { refreshMs: 10_000, pause: { firstMs: 1_000, maxMs: 10_000 } },
  /** Spans for the collector: the maximum per export, the maximum of waiting spans, the interval and the timeout. */
  spans: { batch: 512, waiting: 4_096, everyMs: 1_000, timeoutMs: 3_000 },
  /** The time for requests in flight to end when the process stops. */
  stopMs: 10_000,
  /** The time that an instance may take beyond `stopMs` before its parent kills it. */
  killMs: 1_000,
  /** The time that an instance may take to start while others serve, including migrations. Then its parent kills it. */
  startMs: 600_000,
} as const;
