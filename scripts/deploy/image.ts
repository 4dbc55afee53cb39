import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../src/framework/app/arguments.ts';
import { root } from '../lib/command.ts';
import type { System } from './system.ts';

/**
 * Writes the command that builds the image of every app, for a shell in the project's folder. The shell reads the commit
 * from git, because the same config must give the same text.
 * @param folder the folder of the Dockerfile.
 * @throws {UsageError} if there is no Dockerfile, or if the image is named by its digest.
 */
export function writeBuildCommand({ image, version }: System, folder = root): string {
  if (!existsSync(join(folder, 'Dockerfile')))
    throw new UsageError(
      `${join(folder, 'Dockerfile')} is missing: restore it, because it describes the image`,
    );
  if (image.includes('@'))
    throw new UsageError(
      `${image} names an image that is built already. Pass a name with a tag: --image NAME:TAG`,
    );
  return `docker build --tag ${image} \\
  --build-arg VERSION=${version} \\
  --build-arg REVISION="$(git rev-parse HEAD)" .
`;
}
