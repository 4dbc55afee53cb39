import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadServices } from '../../src/framework/app/load-services.ts';
import { type Config, readConfig } from '../../src/framework/config/config.ts';
import { root } from '../e2e/process/helper.ts';
import { readPage } from './blocks.ts';

interface Launch {
  readonly configurations: readonly Configuration[];
}
interface Configuration {
  readonly name: string;
  readonly runtimeExecutable: string;
  readonly program: string;
  readonly args: readonly string[];
}

const launch = JSON.parse(readFileSync(join(root, '.vscode/launch.json'), 'utf8')) as Launch;
const services = await loadServices();
const read = (file: string) => readConfig(join(root, file), services, {});

/** Reads the config file of a configuration; undefined if it starts no server. */
function readServer({ args: [option, file = ''] }: Configuration): Config | undefined {
  return option === '--config' ? read(file) : undefined;
}

test('each configuration starts an existing file with the Node of run.sh', () => {
  for (const { name, program, runtimeExecutable } of launch.configurations) {
    expect(existsSync(program.replace(/\$\{workspaceFolder\}/, root)), name).toBe(true);
    expect(runtimeExecutable, name).toMatch(/^\$\{workspaceFolder\}\/node_modules\/\.node$/);
  }
});

test('each server has a valid config in which a pause at a breakpoint causes no timeout', () => {
  const servers = launch.configurations.map(readServer).filter((server) => server !== undefined);
  expect(servers.length).toBeGreaterThanOrEqual(2);
  for (const { calls, limits } of servers) {
    expect(calls.deadline).toBe(60_000);
    expect(limits.time.handler).toBeGreaterThanOrEqual(600_000);
  }
});

test('one entry starts every app of the split config; VS Code attaches to the processes that a program starts', () => {
  const split = launch.configurations.filter(({ args }) => args.includes('config.debug.split.yaml'));
  expect(split.map(({ program, args }) => [program.split('}/')[1], ...args])).toEqual([
    ['scripts/start-all.ts', '--config', 'config.debug.split.yaml'],
  ]);
});

test('no entry names a service, because a product has others, and an upgrade replaces the file', () => {
  const text = JSON.stringify(launch.configurations);
  for (const name of services.keys()) expect(text).not.toMatch(new RegExp(`\\b${name}\\b`));
});

test('the page about debugging names the entries for users', () => {
  const text = readPage('docs/first-steps.md');
  for (const { name } of launch.configurations) expect(text).toContain(`| ${name} |`);
});

test.for([
  ['config.yaml', 'config.split.yaml'],
  ['config.debug.yaml', 'config.debug.split.yaml'],
] as const)('%s and %s differ in apps only', ([one, split]) => {
  const withoutApps = (file: string) => ({ ...read(file), apps: undefined, file: undefined });
  expect(withoutApps(split)).toEqual(withoutApps(one));
  expect(Object.keys(read(split).apps).length).toBeGreaterThan(1);
});

const isExample = (name: string) => ['pet', 'user'].includes(name);

test('the configs for a debugger differ from the others only in deadlines and level', () => {
  for (const [debug, normal] of [
    ['config.debug.yaml', 'config.yaml'],
    ['config.debug.split.yaml', 'config.split.yaml'],
  ] as const) {
    // A product may add a service to only one of them.
    const kept = ({ calls: _calls, limits: _limits, log, file: _file, ...rest }: Config) => ({
      ...rest,
      services: { pet: rest.services.pet, user: rest.services.user },
      apps: Object.fromEntries(
        Object.entries(rest.apps)
          .filter(([name, { services }]) => name === 'gateway' || services.some(isExample))
          .map(([name, app]) => [name, { ...app, services: app.services.filter(isExample) }]),
      ),
      directory: log.directory,
    });
    expect(kept(read(debug))).toEqual(kept(read(normal)));
  }
});
