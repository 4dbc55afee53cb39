/** Who is measured, and how each is started. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Place } from './machine.ts';
import { type Data, root } from './seed.ts';
import { freePort, type Server, startServer } from './servers.ts';

export interface Contender {
  readonly name: string;
  start(data: Data): Promise<Server>;
}

/** The product as its users run it: its log at info, to a file. `apps` is what the config says of them. */
export function product(name: string, apps: Record<string, App> = together, place?: Place): Contender {
  return {
    name,
    async start(data) {
      const port = await freePort();
      const neighbours: Record<string, App & { port: number }> = {};
      for (const [app, options] of Object.entries(apps)) {
        const isFirst = Object.keys(neighbours).length === 0;
        neighbours[app] = { port: isFirst ? port : await freePort(), ...options };
      }
      const folder = join(data.folder, name.replaceAll(/\W+/g, '-'));
      mkdirSync(folder, { recursive: true });
      const config = join(folder, 'config.yaml');
      const content = {
        log: { level: 'info', directory: 'logs' },
        services: { pet: { database: `sqlite:${data.pet}` }, user: { database: `sqlite:${data.user}` } },
        apps: neighbours,
      };
      // JSON is YAML.
      writeFileSync(config, JSON.stringify(content, null, 2));
      const commands = Object.keys(apps).map((app) => ({
        command: [process.execPath, 'src/app/main.ts', '--config', config, '--app', app],
        cwd: root,
      }));
      return startServer({ commands, port, readiness: '/ready', ...(place !== undefined && { place }) });
    },
  };
}

interface App {
  readonly services: readonly string[];
  readonly instances?: number;
}

export const together = { gateway: { services: ['pet', 'user'] } };
export const apart = { gateway: { services: ['user'] }, pet: { services: ['pet'] } };

/** A peer that is one file for Node. */
export function peer(
  name: string,
  file: string,
  env: Record<string, string> = {},
  probe?: string,
): Contender {
  return {
    name,
    async start(data) {
      const port = await freePort();
      const path = fileURLToPath(new URL(`peers/${file}`, import.meta.url));
      const command = [process.execPath, path];
      const commands = [{ command, env: { PORT: String(port), DATABASE: data.one, ...env } }];
      return startServer({ commands, port, ...(probe !== undefined && { probe }) });
    },
  };
}
