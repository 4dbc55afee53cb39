import { describe, expect, test } from 'vitest';
import { replaceSection, writeCurve, writeCurveSection } from './curve.ts';
import type { MeasuredOffer } from './load.ts';
import { findOfferDoubts, writeResults } from './overload.ts';

describe('overload', () => {
  const around = { loadBusy: 0.4, serverBusy: 1, othersBusy: 0 };
  const capacity = { rate: 1000, p50: 5, p99: 9, ...around };
  const offered = (load: number, rate: number, more: Partial<MeasuredOffer> = {}): MeasuredOffer => ({
    rate,
    p50: 100,
    p99: 200,
    rejected: load * 1000 - rate,
    offered: load * 1000,
    rejectedP99: 20,
    responses: { accepted: rate, rejected: load * 1000 - rate, health: 10, others: {} },
    health: 10 * load,
    late: 1,
    queued: 0,
    ...around,
    ...more,
  });
  const line = { row: 'overload', work: 'a user', against: '' };
  const circumstances = { date: '2026-11-21', machine: '2 cores' };

  test('compares the rate at twice the capacity with the maximum at any load', () => {
    const [kept, p99, health, others] = writeResults(
      line,
      [1, 2],
      [[capacity, offered(1, 950), offered(2, 800)]],
    );
    expect(kept).toMatchObject({ values: [0.8], goal: { atLeast: 0.9 } });
    expect(p99?.values).toEqual([200]);
    expect(health).toMatchObject({ values: [20], goal: { atMost: 1000 } });
    expect(others).toMatchObject({ values: [0] });
    expect(others?.failed).toBeUndefined();
  });

  test('uses the median of the rounds as maximum, each relative to its closed loop', () => {
    const fast = { ...capacity, rate: 2000 };
    const [kept] = writeResults(
      line,
      [1, 2],
      [
        [capacity, offered(1, 1250), offered(2, 900)],
        [capacity, offered(1, 900), offered(2, 900)],
        [fast, offered(1, 2000), offered(2, 1600)],
      ],
    );
    expect(kept?.values).toEqual([0.9, 0.9, 0.8]);
  });

  test('fails if a response was neither 200 nor 503 with Retry-After', () => {
    const responses = { accepted: 1, rejected: 1, health: 1, others: { 504: 3 } };
    const results = writeResults(line, [2], [[capacity, offered(2, 800, { responses })]]);
    expect(results.map(({ failed }) => failed)).toContain('of the responses, 3 were 504');
  });

  test('is doubtful if the load generator could not keep up, or ran out of connections', () => {
    expect(findOfferDoubts([offered(1, 900)])).toEqual([]);
    expect(findOfferDoubts([offered(1, 900), offered(4, 500, { late: 31 })])).toEqual([
      'the load generator could not keep up: the p99 of the delay before sending was 31 ms',
    ]);
    expect(findOfferDoubts([offered(4, 500, { queued: 0.5 })])).toEqual([
      'the load generator ran out of connections: 50 % of the requests waited for one of 1500',
    ]);
  });

  test('is doubtful if a later rate exceeds the measured capacity', () => {
    const [kept] = writeResults(line, [1, 2], [[capacity, offered(1, 1000), offered(2, 1600)]]);
    expect(kept?.warnings).toEqual([
      'the measured capacity was too low: a later rate was 1.60 times as high',
    ]);
    const [other] = writeResults(line, [1, 2], [[capacity, offered(1, 1000), offered(2, 1100)]]);
    expect(other?.warnings).toEqual([]);
  });

  test('has a chart and a section, which replaces the previous section', () => {
    const rounds = [[capacity, offered(1, 950), offered(2, 800, { late: 40 })]] as const;
    const [{ curve } = {}] = writeResults(line, [1, 2], rounds);
    if (curve === undefined) throw new Error('no curve');
    expect(writeCurve(curve)).toMatch(/^<svg [\s\S]*>accepted, p99<[\s\S]*<\/svg>\n$/);
    const section = writeCurveSection(curve, circumstances);
    expect(section).toContain('| × 2 | 2,000 | 800 | 1,200 | 0.80 | 100 | 200 | 20.0 | 20.0 | doubtful |');
    expect(section).toMatch(/1,750 responses were 200, 1,250 were 503 with\sRetry-After, 0 were others/);
    const report = '# What\n\n## The peers\n\nThey\n';
    const once = replaceSection(report, section);
    expect(once).toBe(`# What\n\n${section}\n## The peers\n\nThey\n`);
    expect(replaceSection(once, section)).toBe(once);
  });
});
