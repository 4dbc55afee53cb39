/** Finds the places where services use another service. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/command.ts';

/**
 * Lists the places where other services name a service as a peer, as `src/services/user/index.ts:12`.
 * @param services the names of all services.
 */
export function findUses(name: string, services: readonly string[]): string[] {
  return services
    .filter((service) => service !== name)
    .flatMap((service) => {
      const folder = `src/services/${service}`;
      return readdirSync(join(root, folder))
        .filter((file) => file.endsWith('.ts'))
        .sort()
        .flatMap((file) =>
          findPeers(readFileSync(join(root, folder, file), 'utf8'), name).map(
            (line) => `${folder}/${file}:${line}`,
          ),
        );
    });
}

/** Returns the lines on which `peers: [...]` names a service. */
export function findPeers(text: string, name: string): number[] {
  return [...text.matchAll(/\bpeers:\s*\[([^\]]*)\]/g)].flatMap((match) => {
    const at = match[0].search(new RegExp(`['"\`]${name}['"\`]`));
    return at < 0 ? [] : [text.slice(0, match.index + at).split('\n').length];
  });
}
