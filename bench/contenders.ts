/** The measured programs, and how each is started. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Place } from './machine.ts';
import { type Data, root } from './seed.ts';
import { type Command, freePort, type Server, startServer } from './servers.ts';
import { compileNest, installFastApi, installPackages, venv } from './setup.ts';

export interface Contender {
  readonly name: string;
  /** Its description in the table. */
  readonly label: string;
  start(data: Data): Promise<Server>;
}

interface App {
  readonly services: readonly string[];
  readonly instances?: number;
}

/** The option of `npm start`, which also sets the compile cache. */
const young = '--max-semi-space-size=32';
const together = { gateway: { services: ['pet', 'user'] } };

/** The URLs of the product's databases. */
type Databases = Readonly<Record<'pet' | 'user', string>>;

const inFiles = async ({ pet, user }: Data): Promise<Databases> => ({
  pet: `sqlite:${pet}`,
  user: `sqlite:${user}`,
});

/** The product like in production: it logs to a file at level info. `apps` and `more` are parts of its config. `more.services` are further services. */
export function product(
  label: string,
  apps: Record<string, App> = together,
  place?: Place,
  more: { readonly services?: object; readonly [part: string]: unknown } = {},
  databases = inFiles,
): Contender {
  return {
    name: 'product',
    label,
    async start(data) {
      const names = Object.keys(apps);
      const ports = await Promise.all(names.map(freePort));
      const folder = join(data.folder, label.replaceAll(/\W+/g, '-'));
      mkdirSync(folder, { recursive: true });
      const config = join(folder, 'config.yaml');
      const urls = await databases(data);
      const content = {
        log: { level: 'info', directory: 'logs' },
        ...more,
        services: { pet: { database: urls.pet }, user: { database: urls.user }, ...more.services },
        apps: Object.fromEntries(names.map((app, index) => [app, { port: ports[index], ...apps[app] }])),
      };
      // JSON is YAML.
      writeFileSync(config, JSON.stringify(content, null, 2));
      const commands = names.map((app) => ({
        command: [process.execPath, young, 'src/main.ts', '--config', config, '--app', app],
        cwd: root,
        env: { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node') },
      }));
      const port = ports[0] as number;
      return startServer({ commands, port, readiness: '/ready', ...(place !== undefined && { place }) });
    },
  };
}

interface Peer {
  /** Returns the command that starts it, in its folder. */
  command(port: string): readonly string[];
  readonly folder?: string;
  readonly env?: Record<string, string>;
  readonly probe?: string;
  /** Installs its dependencies. */
  prepare?(): void;
}

function peer(name: string, label: string, { command, folder = '', env, probe, prepare }: Peer): Contender {
  return {
    name,
    label,
    async start(data) {
      prepare?.();
      const port = await freePort();
      const one: Command = {
        command: command(String(port)),
        cwd: fileURLToPath(new URL(`peers/${folder}`, import.meta.url)),
        env: { PORT: String(port), DATABASE: data.one, ...env },
      };
      return startServer({ commands: [one], port, ...(probe !== undefined && { probe }) });
    },
  };
}

const node = (file: string, ...args: string[]) => {
  return () => [process.execPath, file, ...args];
};

export const bare = (label: string, env: Record<string, string> = {}) =>
  peer('bare', `bare Fastify, ${label}`, { command: node('bare.ts'), env });

export const express = peer('express', 'Express, one SQL join in one database, no log', {
  command: node('express.ts'),
  prepare: installPackages,
});

export const nest = (label: string, env: Record<string, string> = {}) =>
  peer('nest', `NestJS on Fastify, ${label}, no log`, {
    command: node('dist/main.js'),
    folder: 'nest/',
    env,
    prepare: compileNest,
  });

export const watt = peer('watt', 'Platformatic Watt, one call over its mesh, no log', {
  command: node('../../node_modules/wattpm/bin/cli.js', 'start'),
  folder: 'watt/',
  // It has no /health.
  probe: '/user/users/1',
  prepare: installPackages,
});

export const fastApi = peer('fastapi', 'FastAPI on uvicorn, one SQL join in one database, no log', {
  command: (port) => [
    `${venv}uvicorn`,
    'app:app',
    '--port',
    port,
    '--log-level',
    'warning',
    '--no-access-log',
  ],
  folder: 'fastapi/',
  prepare: installFastApi,
});
