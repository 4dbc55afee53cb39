import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { parse } from 'yaml';
import { InstanceCounts } from '../../src/framework/metrics/instance-counts.ts';
import { createExampleApp, makeFolder } from '../support/app.ts';
import {
  findGroupings,
  findSelectors,
  readMetrics,
  type Scrape,
  scrape,
  sendKnown,
} from '../support/prometheus.ts';
import { waitFor } from './groupings/helper.ts';

const file = (name: string) => new URL(`../../deploy/${name}`, import.meta.url);

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly type: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: { query: string } }[];
  };
}
const dashboard = JSON.parse(readFileSync(file('grafana.json'), 'utf8')) as Dashboard;

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly for: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  }[];
}
const rules = (parse(readFileSync(file('alerts.yaml'), 'utf8')) as Rules).groups.flatMap(
  (group) => group.rules,
);

/** Replaces the variables of Grafana in a query. */
const fill = (query: string) => query.replaceAll('$__rate_interval', '1m').replaceAll('$service', '.*');

/** Scrapes an app in which clients have caused every metric. */
async function scrapeAll(t: TestContext): Promise<Scrape> {
  const folder = makeFolder(t);
  const ofFile = (name: string) => ({ database: `sqlite:${join(folder, name)}.db` });
  const { url } = await createExampleApp(t, {
    config: { services: { pet: ofFile('pet'), user: ofFile('user') } },
  });
  await sendKnown(url);
  let text = '';
  await waitFor(async () => {
    // Garbage causes a collection, which is then counted.
    Array.from({ length: 300_000 }, (_, index) => ({ index }));
    ({ text } = await scrape(url));
    return text.includes('nodejs_gc_duration_seconds_sum');
  });
  // Only an app with several instances has these, and only Prometheus itself has `up`.
  const instances = new InstanceCounts('gateway', 2, new Map()).render();
  const up =
    '# HELP up Of Prometheus.\n# TYPE up gauge\nup{job="modular-monolith",instance="127.0.0.1:8000"} 1\n';
  return readMetrics(`${text}\n${instances}\n${up}`);
}

/** Lists the metrics and labels of a query that a scrape lacks. Only apps with several instances have `worker`. */
function findMissing(query: string, { series }: Scrape, shown: readonly string[] = []): string[] {
  return findSelectors(query).flatMap(({ name, matchers }) => {
    const labels = new Set(
      series.filter((one) => one.name === name).flatMap((one) => Object.keys(one.labels)),
    );
    if (labels.size === 0) return [name];
    const used = [...matchers.map(({ label }) => label), ...findGroupings(query), ...shown];
    return used
      .filter((label) => label !== 'worker' && !labels.has(label))
      .map((label) => `${name}{${label}}`);
  });
}

test('the panels of the dashboard have unique ids, do not overlap, and have a query', () => {
  const { panels } = dashboard;
  expect(panels.length).toBeGreaterThan(15);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const taken = new Set<string>();
  for (const { title, type, gridPos, targets } of panels) {
    expect(title).not.toBe('');
    if (type !== 'row') expect(targets?.length, title).toBeGreaterThan(0);
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken.has(`${x} ${y}`), `${title} at ${x} ${y}`).toBe(false);
        taken.add(`${x} ${y}`);
      }
    }
  }
});

test('every alert has a duration, a severity and a summary of one line', () => {
  expect(rules.length).toBeGreaterThanOrEqual(6);
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { alert, for: duration, labels, annotations } of rules) {
    expect(duration, alert).toMatch(/^\d+m$/);
    expect(['page', 'ticket'], alert).toContain(labels.severity);
    expect(annotations.summary, alert).toMatch(/^\S[^\n]{15,}$/);
  }
});

test('a live /metrics has every metric and label of the dashboard and the alerts', async (t) => {
  const live = await scrapeAll(t);
  const missing: string[] = [];
  let count = 0;
  for (const { title, targets = [] } of dashboard.panels) {
    for (const { expr, legendFormat } of targets) {
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label as string);
      missing.push(...findMissing(fill(expr), live, shown).map((name) => `${title}: ${name}`));
      count += 1;
    }
  }
  for (const { alert, expr, annotations } of rules) {
    const shown = [
      ...Object.values(annotations)
        .join(' ')
        .matchAll(/\$labels\.(\w+)/g),
    ].map(([, label]) => label as string);
    missing.push(...findMissing(expr, live, shown).map((name) => `${alert}: ${name}`));
    count += 1;
  }
  const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(
    dashboard.templating.list.find(({ name }) => name === 'service')?.query.query ?? '',
  ) as unknown as [string, string, string];
  missing.push(...findMissing(metric, live, [label]));
  expect(missing).toEqual([]);
  expect(count).toBeGreaterThan(25);

  // The dashboard or an alert uses every metric of the framework.
  const used = [...dashboard.panels.flatMap(({ targets = [] }) => targets), ...rules].flatMap(({ expr }) =>
    findSelectors(fill(expr)).map(({ name }) => name.replace(/_(bucket|sum|count)$/, '')),
  );
  const ofFramework = [...live.types.keys()].filter((name) =>
    /^(http|service|database|instances?)_/.test(name),
  );
  expect(ofFramework.filter((name) => !used.includes(name))).toEqual([]);

  expect(findMissing('rate(http_requests_total[5m])', live)).toEqual(['http_requests_total']);
  expect(findMissing('sum by (path) (http_requests_in_flight{code="1"})', live)).toEqual([
    'http_requests_in_flight{code}',
    'http_requests_in_flight{path}',
  ]);
  expect(() => findSelectors('sum by (service (up)')).toThrow('not PromQL');
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
test.skipIf(!hasPromtool)('promtool accepts the alerts, and each fires only when it should', () => {
  for (const args of [
    ['check', 'rules', 'alerts.yaml'],
    ['test', 'rules', 'alerts.test.yaml'],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: file('.'), encoding: 'utf8' });
    expect(status, `${stdout}${stderr}`).toBe(0);
  }
});
