import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import {
  find,
  fixtures,
  type Grouping,
  groupings,
  type Json,
  listManifests,
  render,
  writeConfigFile,
} from './helper.ts';

const policyOf = (grouping: Grouping, name: string) =>
  find(listManifests(grouping), 'NetworkPolicy', name).spec;

/** Lists the apps, and the roles of namespaces, that may send requests to an app. */
function listSenders(grouping: Grouping, name: string): string[] {
  const rules: Json[] = policyOf(grouping, name).ingress;
  return rules.flatMap(({ from }) =>
    from.map(({ podSelector, namespaceSelector }: Json) =>
      podSelector === undefined
        ? `role ${namespaceSelector.matchLabels['modular-monolith/role']}`
        : podSelector.matchLabels['app.kubernetes.io/name'],
    ),
  );
}

/** Lists the apps that an app may send requests to, and its ports on other servers. DNS is left out. */
function listReceivers(grouping: Grouping, name: string): (string | number)[] {
  const [, ...rules]: Json[] = policyOf(grouping, name).egress;
  return rules.flatMap(({ to, ports }) =>
    to === undefined
      ? ports.map(({ port }: Json) => port)
      : to.map(({ podSelector }: Json) => podSelector.matchLabels['app.kubernetes.io/name']),
  );
}

test.each(groupings)('%s: everything is denied that no policy allows', (grouping) => {
  expect(policyOf(grouping, 'default-deny')).toEqual({
    podSelector: {},
    policyTypes: ['Ingress', 'Egress'],
    ingress: [],
    egress: [],
  });
});

test.each(groupings)('%s: each app has a policy for its own port, and may use DNS', (grouping) => {
  for (const { metadata, spec } of listManifests(grouping).filter(({ kind }) => kind === 'Service')) {
    const { ingress, egress, podSelector } = policyOf(grouping, metadata.name);
    expect(podSelector.matchLabels).toEqual(spec.selector);
    for (const { ports } of ingress) expect(ports).toEqual([{ protocol: 'TCP', port: spec.ports[0].port }]);
    expect(egress[0].ports.map(({ port }: Json) => port)).toEqual([53, 53]);
    expect(egress[0].to[0].namespaceSelector.matchLabels).toEqual({
      'kubernetes.io/metadata.name': 'kube-system',
    });
  }
});

describe('the callers of an app follow from peers', () => {
  const expected: [Grouping, string, string[], (string | number)[]][] = [
    ['one-sqlite', 'gateway', ['role ingress', 'role monitoring'], []],
    ['one-postgres', 'gateway', ['role ingress', 'role monitoring'], [5432]],
    ['split-sqlite', 'gateway', ['role ingress', 'role monitoring'], ['pet', 'user']],
    ['split-sqlite', 'pet', ['gateway', 'user', 'role ingress', 'role monitoring'], []],
    ['split-sqlite', 'user', ['gateway', 'role ingress', 'role monitoring'], ['pet']],
    // Without metrics and a host. The collector has port 4318, and one database 6432.
    ['split-postgres', 'gateway', ['role ingress'], ['pet', 'user', 4318]],
    ['split-postgres', 'pet', ['gateway', 'user'], [4318, 5432]],
    ['split-postgres', 'user', ['gateway'], ['pet', 4318, 6432]],
    // Each app reads the keys of the issuer. The mail server has port 2525.
    ['auth-mixed', 'gateway', ['role ingress', 'role monitoring'], ['pet', 'auth']],
    ['auth-mixed', 'pet', ['gateway', 'role monitoring'], ['auth']],
    ['auth-mixed', 'auth', ['gateway', 'pet', 'role monitoring'], [2525, 5432]],
  ];
  test.each(expected)('%s: %s', (grouping, app, senders, receivers) => {
    expect(listSenders(grouping, app)).toEqual(senders);
    expect(listReceivers(grouping, app)).toEqual(receivers);
  });
});

test.for([
  ['a variable', '${SMTP_URL}', [443, 465, 587, 5432]],
  ['a variable with a default', '${SMTP_URL:-smtp://mail.example:2526}', [2526, 5432]],
] as const)('an option whose URL is %s opens the ports that it may need', ([, url, ports], t) => {
  const fixture = readFileSync(join(fixtures, 'auth-mixed.yaml'), 'utf8');
  const text = fixture.replace('smtp://monolith:${SMTP_PASSWORD}@mail.example:2525', () => url);
  const [policy] = parseAllDocuments(
    render('kubernetes', writeConfigFile(t, text))['network-policies.yaml'] as string,
  )
    .map((document) => document.toJS())
    .filter(({ metadata }) => metadata.name === 'auth');
  expect(policy.spec.egress.at(-1).ports.map(({ port }: Json) => port)).toEqual(ports);
});

test.each(groupings)('%s: what one app may send, the other may receive', (grouping) => {
  const apps = listManifests(grouping)
    .filter(({ kind }) => kind === 'Service')
    .map(({ metadata }) => metadata.name as string);
  for (const app of apps) {
    const called = apps.filter((other) => listSenders(grouping, other).includes(app));
    expect(listReceivers(grouping, app).filter((one) => typeof one === 'string')).toEqual(called);
  }
});
