import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLineBuffer } from '../../../src/framework/logging/line-buffer.ts';
import { maxPendingBytes } from '../../../src/framework/logging/line-queue.ts';
import { openRotatingFile } from '../../../src/framework/logging/rotating-file.ts';
import { until } from '../../support/until.ts';

function openFile(t: { onTestFinished(fn: () => void): void }) {
  const folder = mkdtempSync(join(tmpdir(), 'line-buffer-'));
  t.onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'pet.jsonl');
  const dropped: number[] = [];
  const file = openRotatingFile(path, { onDropped: (bytes) => dropped.push(bytes) });
  return { buffer: createLineBuffer([file]), read: () => readFileSync(path, 'utf8'), dropped };
}

test('a line that is too long for its destination does not take other lines with it', async (t) => {
  const { buffer, read, dropped } = openFile(t);
  const long = `${'x'.repeat(maxPendingBytes)}\n`;
  for (const line of ['before\n', long, 'after\n']) buffer.write(line);
  await until(() => expect(read()).toBe('before\nafter\n'));
  await until(() => expect(dropped).toEqual([long.length]));
});

test('if one event-loop turn has too many lines, only the lines past the maximum are dropped', async (t) => {
  const { buffer, read, dropped } = openFile(t);
  const line = `${'x'.repeat(999)}\n`;
  const count = Math.ceil((2 * maxPendingBytes) / line.length);
  for (let index = 0; index < count; index += 1) buffer.write(line);
  await until(() => expect(dropped).toHaveLength(1));
  await until(() => expect(read().length + (dropped[0] as number)).toBe(count * line.length));
  expect(read().length).toBeGreaterThan(maxPendingBytes * 0.9);
});
