import { expect, test } from 'vitest';
import { find, groupings, type Json, listManifests, readCompose } from './helper.ts';
import { findComposeMistakes, findKubernetesMistakes } from './schemas.ts';

test('every manifest has the fields and types of Kubernetes 1.30', () => {
  expect(findKubernetesMistakes(groupings.flatMap(listManifests))).toEqual([]);
});

test('a misspelled, a missing and a wrong field of a manifest are mistakes', () => {
  const change = (kind: string, name: string, edit: (manifest: Json) => void) => {
    const manifest = structuredClone(find(listManifests('auth-mixed'), kind, name));
    edit(manifest);
    return manifest;
  };
  const found = findKubernetesMistakes([
    change('StatefulSet', 'pet', ({ spec }) => {
      spec.template.spec.containers[0].readinessprobe = {};
    }),
    change('Deployment', 'auth', ({ spec }) => {
      spec.template.spec.containers[0].lifecycle.preStop.sleep.second = 5;
    }),
    change('StatefulSet', 'gateway', ({ spec }) => {
      delete spec.serviceName;
    }),
    change('NetworkPolicy', 'pet', ({ spec }) => {
      spec.ingress[0].ports[0].protocol = 6;
    }),
    change('HorizontalPodAutoscaler', 'auth', ({ spec }) => {
      spec.maxReplica = spec.maxReplicas;
    }),
    { ...change('Service', 'pet', () => {}), apiVersion: 'v2' },
  ]);
  const expected = [
    `StatefulSet pet: .* '"readinessprobe"' does not exist in type 'Container'`,
    `Deployment auth: .* '"second"' does not exist in type 'SleepAction'`,
    "StatefulSet gateway: Property 'serviceName' is missing",
    "NetworkPolicy pet: Type 'number' is not assignable to type 'string'",
    `HorizontalPodAutoscaler auth: .* '"maxReplica"' does not exist`,
    "Service pet: Cannot find module 'kubernetes-types/core/v2'",
  ];
  expect(found).toEqual(expected.map((pattern) => expect.stringMatching(`^${pattern}`)));
});

test.each(groupings)('the Compose file of %s follows the Compose Specification', (grouping) => {
  expect(findComposeMistakes(readCompose(grouping))).toEqual([]);
});

test('a misspelled and a wrong field of a Compose file are mistakes', () => {
  const edits: ((compose: Json) => void)[] = [
    (compose) => {
      compose.services.gateway.read_onyl = true;
    },
    (compose) => {
      compose.services.pet.healthcheck.intervals = '1s';
    },
    (compose) => {
      compose.services.user.cap_drop = 'ALL';
    },
    (compose) => {
      compose.volume = {};
    },
  ];
  for (const edit of edits) {
    const compose = readCompose('split-sqlite');
    edit(compose);
    expect(findComposeMistakes(compose), String(edit)).not.toEqual([]);
  }
});
