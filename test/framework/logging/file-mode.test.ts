import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLogging } from '../../../src/framework/logging/logger.ts';
import { openRotatingFile } from '../../../src/framework/logging/rotating-file.ts';
import { makeFolder } from '../../support/app.ts';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test('only the owner can read log files and the folders that are created for them', async (t) => {
  const directory = join(makeFolder(t), 'new/logs');
  const logging = await openLogging({ level: 'info', console: 'none', file: { directory, name: 'gateway' } });
  logging.logger('pet').info('hello');
  logging.flush();
  expect([
    modeOf(directory),
    modeOf(join(directory, '..')),
    modeOf(join(directory, 'gateway.jsonl')),
  ]).toEqual(['700', '700', '600']);
});

test('an existing log file keeps its mode, and the next file is private', (t) => {
  const path = join(makeFolder(t), 'pet.jsonl');
  writeFileSync(path, '');
  chmodSync(path, 0o644);
  const file = openRotatingFile(path, { maxBytes: 10 });
  file.writeSync(Buffer.from('a line that is long enough\n'));
  expect(modeOf(path)).toBe('644');
  openRotatingFile(path, { maxBytes: 10 });
  expect([modeOf(path.replace('.jsonl', '.1.jsonl')), modeOf(path)]).toEqual(['644', '600']);
});
