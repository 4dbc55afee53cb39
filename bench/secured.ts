/** Measures what a token costs: a protected read with a token, against the same read without authentication. */
import { createTestIssuer } from '../src/framework/testing/index.ts';
import { product } from './contenders.ts';
import { pair } from './pair.ts';
import * as requests from './requests.ts';
import type { Row } from './result.ts';
import * as shapes from './shapes.ts';

const day = 86_400;

export const secured: Row = {
  name: 'secured',
  work: 'a pet by id, with a token',
  against: 'the product without authentication',
  async run(bench) {
    const stops: (() => Promise<void> | void)[] = [];
    const issuer = await createTestIssuer({ onTestFinished: (stop) => void stops.push(stop) });
    const exp = Math.floor(Date.now() / 1_000) + day;
    const authorization = `Bearer ${await issuer.sign({ sub: '1', scopes: ['pet:read'] }, { exp })}`;
    const row = pair({
      name: 'secured',
      work: 'a pet by id, with a token',
      left: product('with authentication', undefined, undefined, { auth: { issuer: issuer.url } }),
      right: product('without authentication'),
      shape: shapes.usual,
      isRestarted: true,
      requests: requests.pets().map((request) => ({ ...request, headers: { authorization } })),
      rightRequests: requests.pets(),
      goal: { atLeast: 0.95 },
    });
    try {
      return await row.run(bench);
    } finally {
      for (const stop of stops) await stop();
    }
  },
};
