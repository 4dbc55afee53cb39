import { setTimeout as sleep } from 'node:timers/promises';
import { parser } from '@prometheus-io/lezer-promql';
import { expect } from 'vitest';
import { internalLimits } from '../../src/framework/config/limits.ts';
import { ask, type RawAnswer } from '../e2e/groupings/helper.ts';

/** One series, with its value. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  readonly series: readonly Series[];
  /** By metric. */
  readonly types: ReadonlyMap<string, string>;
  /** The values of a metric, by those of the named labels; of what is the same in them the sum. */
  sum(name: string, ...labels: string[]): Record<string, number>;
}

const lastScrapes = new Map<string, number>();

/** Asks for the metrics as Prometheus does, and reads them. An app makes them once a second at most. */
export async function scrape(url: string): Promise<Scrape & { text: string }> {
  const last = lastScrapes.get(url);
  if (last !== undefined) await sleep(Math.max(0, last + internalLimits.metricsMs + 50 - performance.now()));
  const answer = await ask(url, { method: 'GET', path: '/metrics' });
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  lastScrapes.set(url, performance.now());
  return { ...readMetrics(answer.body), text: answer.body };
}

/**
 * Reads the text format, and minds what it forbids: a metric in two places, a series twice, one that is no series to the
 * grammar of Prometheus itself, a value that is no number, a histogram that does not add up.
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
      expect(types.has(name), `${name} stands twice`).toBe(false);
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
      expect(seen.has(selector), `${selector} stands twice`).toBe(false);
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

/** A series is written as PromQL selects it. */
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

export interface Selector {
  readonly name: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

/** What a query of PromQL selects, by the grammar of Prometheus. Throws where it is no query. */
export function findSelectors(query: string): Selector[] {
  const selectors: Selector[] = [];
  parser.parse(query).iterate({
    enter({ type, node, from, to }) {
      if (type.isError) throw new Error(`no PromQL: ${query}, at ${from}: ${query.slice(from, to + 20)}`);
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

/** The labels that a query groups by, or joins on. */
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

const json = { 'content-type': 'application/json' };
const sending = (method: string, path: string, body: unknown) => {
  const text = JSON.stringify(body);
  return {
    method,
    path,
    body: text,
    headers: { ...json, 'content-length': String(Buffer.byteLength(text)) },
  };
};
const rex = { name: 'Rex', species: 'dog' };

/** Requests of known kinds, each with how often it is sent and what is counted of it. */
const kinds = [
  [3, sending('POST', '/pet/pets/', rex), 'pet POST /pet/pets/ 200'],
  [2, sending('POST', '/pet/pets', { name: 7 }), 'pet POST /pet/pets/ 422'],
  [1, sending('POST', '/user/users/', { name: 'Alice' }), 'user POST /user/users/ 200'],
  [1, { method: 'POST', path: '/user/users/1/pets/1' }, 'user POST /user/users/:user_id/pets/:pet_id 200'],
  [1, sending('PATCH', '/user/users/1', { pets_ids: [1, 2, 3] }), 'user PATCH /user/users/:user_id 200'],
  [5, { method: 'GET', path: '/user/users/1' }, 'user GET /user/users/:user_id 200'],
  [2, { method: 'GET', path: '/user/users/99?x=1' }, 'user GET /user/users/:user_id 404'],
  [4, { method: 'GET', path: '/pet/pets/1' }, 'pet GET /pet/pets/:pet_id 200'],
  [2, { method: 'GET', path: '/pet/pets/98' }, 'pet GET /pet/pets/:pet_id 404'],
  [1, { method: 'HEAD', path: '/pet/pets/2' }, 'pet HEAD /pet/pets/:pet_id 200'],
  [2, { method: 'PUT', path: '/pet/pets/1' }, 'pet PUT unknown 405'],
  [3, { method: 'PROPFIND', path: '/pet/pets/1' }, 'pet other unknown 405'],
  [2, { method: 'LOCK', path: '/pet/nowhere' }, 'pet other unknown 404'],
  [4, { method: 'GET', path: '/user/nowhere' }, 'user GET unknown 404'],
] as const;

/** Sends all of them to the gateway, one after the other. */
export async function sendKnown(url: string): Promise<void> {
  for (const [times, request] of kinds) {
    const answers: RawAnswer[] = [];
    for (let time = 0; time < times; time += 1) answers.push(await ask(url, request));
  }
}

/** What services must have counted then, the calls among them: each by itself, as no two requests are there at a time. */
export const known = {
  requests: {
    ...Object.fromEntries(kinds.map(([times, , key]) => [key, times])),
    'pet GET /pet/pets/ 200': 7,
  } as Record<string, number>,
  calls: { 'user pet GET /pet/pets/ ok': 7 },
  /** 1 for the adoption, 3 for the update, and for each of five reads. */
  ids: { 'user pet GET /pet/pets/': 19 },
  commits: { pet: 3, user: 3 },
};

/** The same of a scrape. Left out is what the apps ask each other about themselves. */
export function readKnown({ sum }: Scrape): typeof known {
  const own = /\/(health|ready|openapi\.json)|^gateway /;
  const requests = Object.entries(
    sum('http_request_duration_seconds_count', 'service', 'method', 'route', 'status'),
  );
  return {
    requests: Object.fromEntries(requests.filter(([key]) => !own.test(key))),
    calls: sum('service_call_duration_seconds_count', 'service', 'peer', 'operation', 'outcome'),
    ids: sum('service_call_batch_size_sum', 'service', 'peer', 'operation'),
    commits: sum('database_commit_writes_sum', 'service') as typeof known.commits,
  } as typeof known;
}
