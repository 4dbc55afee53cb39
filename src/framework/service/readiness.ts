import { type Static, Type } from '@sinclair/typebox';
import { ServiceUnavailable } from '../errors/problem.ts';

/** How a check went: `unreachable`: the peer does not respond; `broken`: it breaks its contract. */
export type Check = 'OK' | 'failed' | 'unreachable' | 'broken';

/** The checks of a service and their results. A service is ready if none failed. */
export const Readiness = Type.Object(
  {
    status: Type.Union([Type.Literal('OK'), Type.Literal('failed')]),
    checks: Type.Record(
      Type.String(),
      Type.Union(['OK', 'failed', 'unreachable', 'broken'].map((state) => Type.Literal(state as Check))),
    ),
    degraded: Type.Array(Type.String(), {
      description:
        'Unreachable peers, whose absence makes requests 503; events that are parked, or late by more than a minute',
    }),
  },
  { description: 'It can serve', examples: [{ status: 'OK', checks: { database: 'OK' }, degraded: [] }] },
);
export type Readiness = Static<typeof Readiness>;

/** The checks that decide whether a service is ready. */
export interface Checks {
  /** Rejects if the database fails. */
  readonly database: (() => Promise<void>) | undefined;
  /** The check of each peer. It never requests `/ready` of the peer, because two that need each other would wait. */
  readonly peers: Readonly<Record<string, () => Promise<Check>>>;
  /** The consumers of the feeds of its peers. */
  readonly consumers?: readonly ConsumerCheck[];
}

export interface ConsumerCheck {
  /** Resolves with what is wrong, for `degraded`. */
  degradations(): Promise<readonly string[]>;
}

/** Runs all checks of a service at the same time. The result lists the database first, then the peers as declared. */
export async function checkReadiness({ database, peers, consumers = [] }: Checks): Promise<Readiness> {
  const results = await Promise.all([
    ...(database === undefined ? [] : [checkDatabase(database)]),
    ...Object.entries(peers).map(async ([name, check]) => [name, await check()] as const),
  ]);
  // A database that fails is a check of its own.
  const waiting = await Promise.all(consumers.map((one) => one.degradations().catch(() => [])));
  const states = results.map(([, state]) => state);
  return {
    status: states.includes('failed') || states.includes('broken') ? 'failed' : 'OK',
    checks: Object.fromEntries(results),
    degraded: [
      ...results.flatMap(([name, state]) => (state === 'unreachable' ? [name] : [])),
      ...waiting.flat(),
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
