import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { send } from '../helper.ts';
import { root, run, writeConfig } from './helper.ts';

const unit = readFileSync(join(root, 'deploy/modular-monolith.service'), 'utf8');
const settings = new Map(
  [...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, key, value]) => [key as string, value as string]),
);

test('what the unit file starts serves, and ends with 0 on the signal that systemd sends', async (t) => {
  const { file } = writeConfig(t);
  const [node, ...args] = (settings.get('ExecStart') as string).split(' ');
  expect(node).toBe('/usr/bin/node');
  expect(args.slice(-2)).toEqual(['--config', 'config.yaml']);
  const place = args.indexOf('src/app/main.ts');
  const server = run(
    t,
    process.execPath,
    args
      .slice(0, -1)
      .with(place, join(root, args[place] as string))
      .concat(file),
  );
  const [, url] = (await server.says(/gateway listens at (http:[^"\s]+)/)) as unknown as [string, string];
  expect((await send(`${url}/health`, 'GET')).status).toBe(200);
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

test('the unit file lets it stop, open its connections, and write beside its config', () => {
  expect(Number(settings.get('TimeoutStopSec'))).toBeGreaterThan(10);
  expect(Number(settings.get('LimitNOFILE'))).toBeGreaterThan(2_000);
  expect(settings.get('ReadWritePaths')).toBe(settings.get('WorkingDirectory'));
  expect(settings.get('ExecReload')).toContain('-HUP');
});
