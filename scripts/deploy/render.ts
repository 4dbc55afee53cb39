import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { selectServices } from '../../src/framework/openapi/merge.ts';
import { countSecured, type OpenApiDocument } from '../../src/framework/openapi/response-contract.ts';
import type { Service } from '../../src/framework/service/define-service.ts';
import { root } from '../lib/command.ts';
import { writeCompose } from './compose.ts';
import { type Files, joinYaml } from './files.ts';
import { writeBuildCommand } from './image.ts';
import { writeKubernetes } from './kubernetes.ts';
import { assertDeployable } from './refusals.ts';
import { readSystem, type System } from './system.ts';

export const targets = { compose: writeCompose, kubernetes: writeKubernetes };
export type Target = keyof typeof targets;

/**
 * Creates the files that run the apps of a config in containers.
 * @throws {ConfigError} if the config has a mistake, or would not work in containers.
 */
export function renderFiles(
  target: Target,
  file: string,
  services: ReadonlyMap<string, Service>,
  image?: string,
): Files {
  const system = readSystem(file, services, image);
  assertDeployable(system, countProtected(system));
  return targets[target](system);
}

/**
 * Joins the files that an engine reads from its standard input: `compose.yaml`, or every manifest. The kustomization only
 * lists the files of its folder.
 */
export function joinFiles(target: Target, files: Files): string {
  const isRead = (name: string) =>
    target === 'compose' ? name === 'compose.yaml' : name !== 'kustomization.yaml';
  return joinYaml(Object.entries(files).flatMap(([name, text]) => (isRead(name) ? [text] : [])));
}

/**
 * Creates the command that builds the image of a config.
 * @throws {ConfigError} if the config has a mistake. @throws {UsageError} if there is nothing to build.
 */
export function renderBuildCommand(
  file: string,
  services: ReadonlyMap<string, Service>,
  image?: string,
): string {
  return writeBuildCommand(readSystem(file, services, image));
}

/** Counts the operations that need a credential, by the generated contract. */
function countProtected({ config }: System): number {
  const contract = JSON.parse(readFileSync(join(root, 'generated/openapi.json'), 'utf8')) as OpenApiDocument;
  return countSecured(selectServices(contract, Object.keys(config.services)));
}
