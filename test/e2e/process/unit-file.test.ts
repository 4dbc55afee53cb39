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

test('what the unit file starts serves, and ends with 0 on the signal that systemd sends', async (t) => {
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
  const [, url] = (await server.waitForOutput(/gateway listens at (http:[^"\s]+)/)) as unknown as [
    string,
    string,
  ];
  expect((await sendRequest(`${url}/health`, 'GET')).status).toBe(200);
  server.child.kill('SIGTERM');
  expect(await server.ended).toMatchObject({ code: 0 });
});

test('every way to start it bounds what V8 takes for new objects alike', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const bounds = [settings.get('ExecStart'), scripts.start, readFileSync(join(root, 'run.sh'), 'utf8')].map(
    (text: string) => /--max-semi-space-size=\d+/.exec(text)?.[0],
  );
  expect(new Set(bounds).size).toBe(1);
  expect(bounds).not.toContain(undefined);
});

test('the unit file lets it stop and open its connections, and starts it again for ever', () => {
  // Longer than the parent of instances waits for one that hangs.
  expect(Number(settings.get('TimeoutStopSec'))).toBeGreaterThan(15);
  expect(Number(settings.get('LimitNOFILE'))).toBeGreaterThan(2_000);
  expect(settings.get('Restart')).toBe('always');
  // Not after 5 starts in 10 s, the default, never again.
  expect(settings.get('StartLimitIntervalSec')).toBe('0');
  expect(settings.get('ExecReload')).toBe('/bin/kill -HUP $MAINPID');
});

test('the unit file lets it write its data, its log and the record of its databases, and nothing else', () => {
  const folder = settings.get('WorkingDirectory');
  const { log, services } = parse(readFileSync(join(root, 'config.yaml'), 'utf8'));
  expect(log.directory).toBe('logs');
  for (const { database } of Object.values<{ database: string }>(services))
    expect(database).toMatch(/^sqlite:data\//);
  const record = relative(root, knownDatabasesFile(join(root, 'config.yaml')));
  expect(settings.get('ReadWritePaths')).toBe(`${folder}/data ${folder}/logs -${folder}/${record}`);
  expect(settings.get('ExecStartPre')).toContain(`mkdir -p -m 700 data logs && touch ${record}`);
  expect(settings.get('UMask')).toBe('0077');
  expect(settings.get('LimitCORE')).toBe('0');
  expect(settings.get('MemoryMax')).toMatch(/^\d+[MG]$/);
  expect(settings.has('MemoryDenyWriteExecute')).toBe(false);
});

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
test.skipIf(!hasAnalyze)('systemd takes the unit file, and rates its exposure below 3', () => {
  const path = join(root, 'deploy/modular-monolith.service');
  const args = ['security', '--offline=true', '--threshold=30', path];
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/Overall exposure level for modular-monolith\.service: [0-2]\.\d/);
  expect(status).toBe(0);
});
