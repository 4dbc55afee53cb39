import { setTimeout as sleep } from 'node:timers/promises';
import { parser } from '@prometheus-io/lezer-promql';
import { expect } from 'vitest';
import { internalLimits } from '../../src/framework/config/limits.ts';
import { sendRequest } from './app.ts';

/** A series with its value. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  readonly series: readonly Series[];
  /** The type of each metric. */
  readonly types: ReadonlyMap<string, string>;
  /** Returns the values of a metric by the named labels. Values with equal labels are added. */
  sum(name: string, ...labels: string[]): Record<string, number>;
}

const lastScrapes = new Map<string, number>();

/** Requests the metrics like Prometheus, and reads them. Waits, because an app renews them at most once a second. */
export async function scrape(url: string): Promise<Scrape & { text: string }> {
  const last = lastScrapes.get(url);
  if (last !== undefined) await sleep(Math.max(0, last + internalLimits.metricsMs + 50 - performance.now()));
  const { status, headers, body } = await sendRequest(`${url}/metrics`, 'GET');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  lastScrapes.set(url, performance.now());
  return { ...readMetrics(body), text: body };
}

/**
 * Reads the text format. Fails if the format is violated: a metric or series that appears twice, a series that the
 * grammar of Prometheus rejects, a value that is not a number, or a histogram whose buckets do not add up.
 */
export function readMetrics(text: string): Scrape {
  const types = new Map<string, string>();
  const series: Series[] = [];
  const seen = new Set<string>();
  let current = '';
  let help = '';
  for (const line of text.split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line) ?? [];
    if (kind === 'HELP') help = name;
    else if (kind === 'TYPE') {
      expect(help, 'HELP before TYPE').toBe(name);
      expect(types.has(name), `${name} appears twice`).toBe(false);
      types.set(name, rest);
      current = name;
    } else if (line !== '') {
      const [, selector = '', value = ''] = /^(.*\}|[^{ ]+) (\S+)$/.exec(line) ?? [];
      const one = { ...readSelector(selector), value: Number(value.replace('Inf', 'Infinity')) };
      expect(one.value, line).not.toBeNaN();
      const suffixes = { histogram: /_(bucket|sum|count)$/, summary: /_(sum|count)$/ }[
        types.get(current) ?? ''
      ];
      expect(suffixes === undefined ? one.name : one.name.replace(suffixes, ''), line).toBe(current);
      expect(seen.has(selector), `${selector} appears twice`).toBe(false);
      seen.add(selector);
      series.push(one);
    }
  }
  for (const [name, type] of types) if (type === 'histogram') checkHistogram(name, series);
  return {
    series,
    types,
    sum(name, ...labels) {
      const sums: Record<string, number> = {};
      for (const one of series) {
        if (one.name !== name) continue;
        const key = labels.map((label) => one.labels[label]).join(' ');
        sums[key] = (sums[key] ?? 0) + one.value;
      }
      return sums;
    },
  };
}

/** Reads a series, which has the syntax of a PromQL selector. */
function readSelector(text: string): { name: string; labels: Record<string, string> } {
  const found = findSelectors(text);
  expect(found, text).toHaveLength(1);
  const [one] = found;
  expect(
    one?.matchers.every(({ operator }) => operator === '='),
    text,
  ).toBe(true);
  return {
    name: one?.name as string,
    labels: Object.fromEntries(one?.matchers.map(({ label, value }) => [label, value]) ?? []),
  };
}

interface Selector {
  readonly name: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

/**
 * Returns the selectors of a PromQL query, by the grammar of Prometheus.
 * @throws {Error} if it is not a query.
 */
export function findSelectors(query: string): Selector[] {
  const selectors: Selector[] = [];
  parser.parse(query).iterate({
    enter({ type, node, from, to }) {
      if (type.isError) throw new Error(`not PromQL: ${query}, at ${from}: ${query.slice(from, to + 20)}`);
      if (type.name !== 'VectorSelector') return;
      const identifier = node.getChild('Identifier');
      const matchers = [...(node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [])].map(
        (matcher) => {
          const textOf = (name: string) => {
            const child = matcher.getChild(name);
            return child === null ? '' : query.slice(child.from, child.to);
          };
          const value = JSON.parse(textOf('StringLiteral')) as string;
          return { label: textOf('LabelName'), operator: textOf('MatchOp'), value };
        },
      );
      selectors.push({
        name: identifier === null ? '' : query.slice(identifier.from, identifier.to),
        matchers,
      });
    },
  });
  return selectors;
}

/** Returns the labels that a query groups by or joins on. */
export function findGroupings(query: string): string[] {
  const labels: string[] = [];
  parser.parse(query).iterate({
    enter({ type, node }) {
      if (type.name !== 'GroupingLabels') return;
      for (const child of node.getChildren('LabelName')) labels.push(query.slice(child.from, child.to));
    },
  });
  return labels;
}

function checkHistogram(name: string, series: readonly Series[]): void {
  const counts = new Map<string, number>();
  const keyOf = ({ le: _, ...labels }: Readonly<Record<string, string>>) =>
    JSON.stringify(Object.entries(labels).sort());
  for (const { name: part, labels, value } of series) {
    if (part !== `${name}_bucket`) continue;
    expect(value, `${name} ${labels.le}`).toBeGreaterThanOrEqual(counts.get(keyOf(labels)) ?? 0);
    counts.set(keyOf(labels), value);
  }
  const totals = series.filter((one) => one.name === `${name}_count`);
  expect(totals).toHaveLength(counts.size);
  for (const { labels, value } of totals) expect(value, name).toBe(counts.get(keyOf(labels)));
}

const sending = (method: string, path: string, body?: unknown) => ({ method, path, body });
const rex = { name: 'Rex', species: 'dog' };

/** Requests with the number of times that each is sent, and the labels under which it is counted. */
const kinds = [
  [3, sending('POST', '/pet/pets/', rex), 'pet POST /pet/pets/ 200'],
  [2, sending('POST', '/pet/pets', { name: 7 }), 'pet POST /pet/pets/ 422'],
  [1, sending('POST', '/user/users/', { name: 'Alice' }), 'user POST /user/users/ 200'],
  [1, sending('POST', '/user/users/1/pets/1'), 'user POST /user/users/:user_id/pets/:pet_id 200'],
  [1, sending('PATCH', '/user/users/1', { pets_ids: [1, 2, 3] }), 'user PATCH /user/users/:user_id 200'],
  [5, sending('GET', '/user/users/1'), 'user GET /user/users/:user_id 200'],
  [2, sending('GET', '/user/users/99?x=1'), 'user GET /user/users/:user_id 404'],
  [4, sending('GET', '/pet/pets/1'), 'pet GET /pet/pets/:pet_id 200'],
  [2, sending('GET', '/pet/pets/98'), 'pet GET /pet/pets/:pet_id 404'],
  [1, sending('HEAD', '/pet/pets/2'), 'pet HEAD /pet/pets/:pet_id 200'],
  [2, sending('PUT', '/pet/pets/1'), 'pet PUT unknown 405'],
  [3, sending('PROPFIND', '/pet/pets/1'), 'pet other unknown 405'],
  [2, sending('LOCK', '/pet/nowhere'), 'pet other unknown 404'],
  [4, sending('GET', '/user/nowhere'), 'user GET unknown 404'],
] as const;

/** Sends all of these requests to the gateway, one after another. */
export async function sendKnown(url: string): Promise<void> {
  for (const [times, { method, path, body }] of kinds) {
    for (let time = 0; time < times; time += 1) await sendRequest(`${url}${path}`, method, body);
  }
}

/** The counts of all services after these requests. No two requests are concurrent, so no two share a call. */
export const known = {
  requests: {
    ...Object.fromEntries(kinds.map(([times, , key]) => [key, times])),
    'pet GET /pet/pets/ 200': 7,
  } as Record<string, number>,
  calls: { 'user pet GET /pet/pets/ ok': 7 },
  /** 1 for the adoption, 3 for the update, and 3 for each of five reads. */
  ids: { 'user pet GET /pet/pets/': 19 },
};

/** Returns the same counts from a scrape, without the checks that apps send each other. */
export function readKnown({ sum }: Scrape): typeof known {
  const checks = /\/(health|ready|openapi\.json)|^gateway /;
  const requests = Object.entries(
    sum('http_request_duration_seconds_count', 'service', 'method', 'route', 'status'),
  );
  return {
    requests: Object.fromEntries(requests.filter(([key]) => !checks.test(key))),
    calls: sum('service_call_duration_seconds_count', 'service', 'peer', 'operation', 'outcome'),
    ids: sum('service_call_batch_size_sum', 'service', 'peer', 'operation'),
  } as typeof known;
}
