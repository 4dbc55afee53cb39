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
      description: 'Peers that are unreachable: requests that need them are 503',
    }),
  },
  { description: 'It can serve', examples: [{ status: 'OK', checks: { database: 'OK' }, degraded: [] }] },
);
export type Readiness = Static<typeof Readiness>;

/** The checks that decide whether a service is ready. */
export interface Checks {
  /** Throws where it fails. */
  readonly database: (() => Promise<void>) | undefined;
  /** The check of each peer. It never requests `/ready` of the peer, because two that need each other would wait. */
  readonly peers: Readonly<Record<string, () => Promise<Check>>>;
}

export async function checkReadiness({ database, peers }: Checks): Promise<Readiness> {
  const checks: Readiness['checks'] = {};
  if (database !== undefined) {
    try {
      await database();
      checks.database = 'OK';
    } catch {
      checks.database = 'failed';
    }
  }
  const away: string[] = [];
  await Promise.all(
    Object.entries(peers).map(async ([name, check]) => {
      const state = await check();
      checks[name] = state;
      if (state === 'unreachable') away.push(name);
    }),
  );
  const isFailed = Object.values(checks).some((state) => state === 'failed' || state === 'broken');
  return { status: isFailed ? 'failed' : 'OK', checks, degraded: away.sort() };
}

/** The readiness of all of them together, each check named `<service>.<check>`. */
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

/** Answers `/ready`: 200, or 503 with the same facts. */
export function respondReadiness(isDraining: boolean, readiness: Readiness): Readiness {
  const { status, checks, degraded } = readiness;
  if (isDraining) throw new ServiceUnavailable('The server is stopping', { extra: { checks, degraded } });
  if (status === 'failed') throw new ServiceUnavailable('A check failed', { extra: { checks, degraded } });
  return readiness;
}
