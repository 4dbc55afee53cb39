import { type Static, Type } from '@sinclair/typebox';
import { ServiceUnavailable } from '../errors/problem.ts';

/** The result of a check. `unreachable`: the peer does not respond. `broken`: the peer breaks its contract. */
export type CheckResult = 'OK' | 'failed' | 'unreachable' | 'broken';

/** The results of the checks of a service. The service is ready if no check is `failed` or `broken`. */
export const Readiness = Type.Object(
  {
    status: Type.Union([Type.Literal('OK'), Type.Literal('failed')]),
    checks: Type.Record(
      Type.String(),
      Type.Union(
        ['OK', 'failed', 'unreachable', 'broken'].map((state) => Type.Literal(state as CheckResult)),
      ),
    ),
    degraded: Type.Array(Type.String(), {
      description:
        'Unreachable peers: requests that need them get 503. Events that are parked, or late by more than a minute. `auth`: the issuer of tokens is away',
    }),
  },
  {
    description: 'The service can serve requests',
    examples: [{ status: 'OK', checks: { database: 'OK' }, degraded: [] }],
  },
);
export type Readiness = Static<typeof Readiness>;

/** The checks that decide whether a service is ready. */
export interface Checks {
  /** Checks the database. Rejects if it fails. */
  readonly database: (() => Promise<void>) | undefined;
  /**
   * The check of each peer. It does not request `/ready` of the peer, because two services that call each other would
   * wait for each other.
   */
  readonly peers: Readonly<Record<string, () => Promise<CheckResult>>>;
  /** The consumers of the feeds of the peers. */
  readonly consumers?: readonly ConsumerCheck[];
  /** Whether the last request for the keys of the issuer failed. */
  issuerIsAway?(): boolean;
}

export interface ConsumerCheck {
  /** Resolves with the problems of the consumer, for `degraded`. */
  degradations(): Promise<readonly string[]>;
}

/** Runs all checks of a service concurrently. The result lists the database first, then the peers as declared. */
export async function checkReadiness({
  database,
  peers,
  consumers = [],
  issuerIsAway,
}: Checks): Promise<Readiness> {
  const results = await Promise.all([
    ...(database === undefined ? [] : [checkDatabase(database)]),
    ...Object.entries(peers).map(async ([name, check]) => [name, await check()] as const),
  ]);
  // Ignore errors here, because the check of the database reports them.
  const degradations = await Promise.all(consumers.map((one) => one.degradations().catch(() => [])));
  const states = results.map(([, state]) => state);
  return {
    status: states.includes('failed') || states.includes('broken') ? 'failed' : 'OK',
    checks: Object.fromEntries(results),
    degraded: [
      ...results.flatMap(([name, state]) => (state === 'unreachable' ? [name] : [])),
      ...degradations.flat(),
      ...(issuerIsAway?.() ? ['auth'] : []),
    ].sort(),
  };
}

async function checkDatabase(check: () => Promise<void>): Promise<readonly ['database', 'OK' | 'failed']> {
  try {
    await check();
    return ['database', 'OK'];
  } catch {
    return ['database', 'failed'];
  }
}

/** Checks several services. Each check is named `<service>.<check>`. */
export async function checkAll(services: ReadonlyMap<string, () => Promise<Readiness>>): Promise<Readiness> {
  const results = await Promise.all(
    [...services].map(async ([name, ready]) => [name, await ready()] as const),
  );
  return {
    status: results.every(([, { status }]) => status === 'OK') ? 'OK' : 'failed',
    checks: Object.fromEntries(
      results.flatMap(([name, { checks }]) =>
        Object.entries(checks).map(([check, state]) => [`${name}.${check}`, state]),
      ),
    ),
    degraded: [...new Set(results.flatMap(([, { degraded }]) => degraded))].sort(),
  };
}

/** Responds to `/ready`: 200, or 503 with the same checks. */
export function respondReadiness(isDraining: boolean, readiness: Readiness): Readiness {
  const { status, checks, degraded } = readiness;
  if (isDraining) throw new ServiceUnavailable('The server is stopping', { extra: { checks, degraded } });
  if (status === 'failed') throw new ServiceUnavailable('A check failed', { extra: { checks, degraded } });
  return readiness;
}
