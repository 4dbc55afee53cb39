import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { Files } from '../../../scripts/deploy/files.ts';
import { renderFiles, type Target } from '../../../scripts/deploy/render.ts';
import { loadServices } from '../../../src/framework/app/load-services.ts';
import { root } from '../../e2e/process/helper.ts';
import { makeFolder } from '../../support/app.ts';

/** The groupings of test/fixtures/deploy. */
export const groupings = [
  'one-sqlite',
  'one-postgres',
  'split-sqlite',
  'split-postgres',
  'auth-mixed',
] as const;
export type Grouping = (typeof groupings)[number];

export const fixtures = join(root, 'test/fixtures/deploy');

export const services = await loadServices();

export function render(target: Target, file: string, image?: string): Files {
  return renderFiles(target, file, services, image);
}

// biome-ignore lint/suspicious/noExplicitAny: the tests look at parts of manifests, whose types no package has.
export type Json = any;

/** Lists the objects for Kubernetes of a grouping. */
export function listManifests(grouping: Grouping): Json[] {
  return parseManifests(render('kubernetes', join(fixtures, `${grouping}.yaml`)));
}

/** Lists the objects in rendered files for Kubernetes. */
export function parseManifests(files: Files): Json[] {
  return Object.entries(files)
    .filter(([name]) => name !== 'kustomization.yaml')
    .flatMap(([, text]) => parseAllDocuments(text).map((document) => document.toJS()));
}

export function workloadsOf(manifests: readonly Json[]): Json[] {
  return manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
}

/** Lists every workload of every grouping: a name for the test, the object, and all objects of the grouping. */
export function listWorkloads(): (readonly [name: string, workload: Json, manifests: Json[]])[] {
  return groupings.flatMap((grouping) => {
    const manifests = listManifests(grouping);
    return workloadsOf(manifests).map(
      (one) => [`${grouping}: ${one.metadata.name}`, one, manifests] as const,
    );
  });
}

export function readCompose(grouping: Grouping): Json {
  return parse(render('compose', join(fixtures, `${grouping}.yaml`))['compose.yaml'] as string);
}

/** Returns the only object of a kind with a name. */
export function find(manifests: readonly Json[], kind: string, name: string): Json {
  const found = manifests.filter((one) => one.kind === kind && one.metadata.name === name);
  if (found.length !== 1) throw new Error(`Expected one ${kind} ${name}, not ${found.length}`);
  return found[0];
}

/** Reads the config of the containers. */
export function configOf(manifests: readonly Json[]): Json {
  return parse(manifests.find(({ kind }) => kind === 'ConfigMap').data['config.yaml']);
}

/** Writes a config file into a new folder. */
export function writeConfigFile(t: TestContext, text: string): string {
  const file = join(makeFolder(t), 'config.yaml');
  writeFileSync(file, text);
  return file;
}

/** Returns what a function throws. */
export function catchError(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  return undefined;
}
