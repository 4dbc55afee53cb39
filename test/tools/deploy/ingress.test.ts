import { describe, expect, test } from 'vitest';
import { configOf, find, groupings, type Json, listManifests } from './helper.ts';

const all = Object.fromEntries(groupings.map((grouping) => [grouping, listManifests(grouping)]));

describe('services and the Ingress', () => {
  const isHeadless = (grouping: 'split-postgres' | 'split-sqlite' | 'auth-mixed', name: string) =>
    find(all[grouping] as Json[], 'Service', name).spec.clusterIP === 'None';

  test('a Service is headless if other apps call its replicas by their addresses', () => {
    expect(['gateway', 'pet', 'user'].map((name) => isHeadless('split-postgres', name))).toEqual([
      false,
      true,
      true,
    ]);
    expect(isHeadless('split-sqlite', 'pet')).toBe(false);
    expect(isHeadless('auth-mixed', 'auth')).toBe(true);
  });

  test('the Ingress leads to the app of each service, and not to /metrics and /ready', () => {
    const [rule] = find(all['split-sqlite'] as Json[], 'Ingress', 'public').spec.rules;
    const paths = rule.http.paths.map(({ path, pathType, backend }: Json) => [
      path,
      pathType,
      backend.service.name,
    ]);
    expect(paths).toEqual([
      ['/', 'Exact', 'gateway'],
      ['/openapi.json', 'Prefix', 'gateway'],
      ['/health', 'Prefix', 'gateway'],
      ['/docs', 'Prefix', 'gateway'],
      ['/pet', 'Prefix', 'pet'],
      ['/user', 'Prefix', 'user'],
    ]);
    expect(rule.host).toBe('api.example');
  });

  test('without a host there is no Ingress, and the host is added to hosts', () => {
    expect((all['one-sqlite'] as Json[]).filter(({ kind }) => kind === 'Ingress')).toEqual([]);
    expect(configOf(all['one-postgres'] as Json[]).hosts).toEqual(['localhost', 'api.example']);
  });

  test('metrics that are off are not scraped', () => {
    const { template } = find(all['split-postgres'] as Json[], 'Deployment', 'pet').spec;
    expect(template.metadata.annotations).toBeUndefined();
    const scraped = find(all['split-sqlite'] as Json[], 'StatefulSet', 'pet').spec.template;
    expect(scraped.metadata.annotations['prometheus.io/port']).toBe('8001');
  });
});
