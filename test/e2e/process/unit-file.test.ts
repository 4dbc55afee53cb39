import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { knownDatabasesFile } from '../../../src/framework/database/known-databases.ts';
import { sendRequest } from '../../support/app.ts';
import { root, startProcess, writeConfig } from './helper.ts';

const unit = readFileSync(join(root, 'deploy/modular-monolith.service'), 'utf8');
const settings = new Map(
  [...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, key, value]) => [key as string, value as string]),
);

test('the command of the unit file starts a server that ends with 0 on SIGTERM', async (t) => {
  const { file } = writeConfig(t);
  const [node, ...args] = (settings.get('ExecStart') as string).split(' ');
  expect(node).toBe('/usr/bin/node');
  expect(args.slice(-2)).toEqual(['--config', 'config.yaml']);
  const place = args.indexOf('src/main.ts');
  const server = startProcess(
    t,
    process.execPath,
    args
      .slice(0, -1)
      .with(place, join(root, args[place] as string))
      .concat(file),
  );
  const [, url] = (await server.waitForOutput(/"url":"(http:[^"]+)","msg":"listening"/)) as unknown as [
    string,
    string,
  ];
  expect((await sendRequest(`${url}/health`, 'GET')).status).toBe(200);
  server.child.kill('SIGTERM');
  expect(await server.ended).toMatchObject({ code: 0 });
});

test('every command that starts the server sets the same limit for new objects', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const bounds = [settings.get('ExecStart'), scripts.start, readFileSync(join(root, 'run.sh'), 'utf8')].map(
    (text: string) => /--max-semi-space-size=\d+/.exec(text)?.[0],
  );
  expect(new Set(bounds).size).toBe(1);
  expect(bounds).not.toContain(undefined);
});

test('the unit file leaves time to stop, allows enough connections, and always restarts the server', () => {
  // The parent of instances waits up to 15 s for an instance that hangs.
  expect(Number(settings.get('TimeoutStopSec'))).toBeGreaterThan(15);
  expect(Number(settings.get('LimitNOFILE'))).toBeGreaterThan(2_000);
  expect(settings.get('Restart')).toBe('always');
  // The default gives up after 5 starts in 10 s.
  expect(settings.get('StartLimitIntervalSec')).toBe('0');
  expect(settings.get('ExecReload')).toBe('/bin/kill -HUP $MAINPID');
});

test('the unit file allows writing data, logs and the registry of known databases only', () => {
  const folder = settings.get('WorkingDirectory');
  const { log, services } = parse(readFileSync(join(root, 'config.yaml'), 'utf8'));
  expect(log.directory).toBe('logs');
  for (const { database } of Object.values<{ database: string }>(services))
    expect(database).toMatch(/^sqlite:data\//);
  const registry = relative(root, knownDatabasesFile(join(root, 'config.yaml')));
  expect(settings.get('ReadWritePaths')).toBe(`${folder}/data ${folder}/logs -${folder}/${registry}`);
  expect(settings.get('ExecStartPre')).toContain(`mkdir -p -m 700 data logs && touch ${registry}`);
  expect(settings.get('UMask')).toBe('0077');
  expect(settings.get('LimitCORE')).toBe('0');
  expect(settings.get('MemoryMax')).toMatch(/^\d+[MG]$/);
  expect(settings.has('MemoryDenyWriteExecute')).toBe(false);
});

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
test.skipIf(!hasAnalyze)('systemd accepts the unit file and rates its exposure below 3', () => {
  const path = join(root, 'deploy/modular-monolith.service');
  const args = ['security', '--offline=true', '--threshold=30', path];
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/Overall exposure level for modular-monolith\.service: [0-2]\.\d/);
  expect(status).toBe(0);
});
