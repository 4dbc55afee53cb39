import { existsSync, openSync, write, writeSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type LineTarget,
  maxPendingBytes,
  openLineQueue,
} from '../../../src/framework/logging/line-queue.ts';
import { until } from '../../support/until.ts';

/** Opens a target that accepts `room` bytes, and then fails with `code` until it gets more room. */
function openTarget(code: string) {
  const target = { room: 0, text: '', tries: 0 };
  const writeSome = (bytes: Buffer) => {
    target.tries += 1;
    if (target.room === 0) throw Object.assign(new Error(code), { code });
    const part = bytes.subarray(0, target.room);
    target.room -= part.length;
    target.text += part;
    return part.length;
  };
  const lineTarget: LineTarget = {
    write(bytes, done) {
      try {
        done(null, writeSome(bytes));
      } catch (error) {
        done(error as Error, 0);
      }
    },
    writeSync: writeSome,
  };
  return { target, lineTarget };
}

describe('a line queue', () => {
  test('keeps a bounded number of bytes while its target fails, and reports the number of dropped bytes', async () => {
    const { target, lineTarget } = openTarget('ENOSPC');
    const errors: string[] = [];
    const dropped: number[] = [];
    const queue = openLineQueue(lineTarget, {
      retryMs: 5,
      onError: ({ message }) => errors.push(message),
      onDropped: (bytes) => dropped.push(bytes),
    });
    const line = Buffer.from(`${'x'.repeat(1023)}\n`);
    const lines = 20 * 1024;
    for (let index = 0; index < lines; index += 1) queue.write(line);
    await until(() => expect(target.tries).toBeGreaterThan(3));
    // Further attempts report no error.
    expect(errors).toEqual(['ENOSPC']);
    target.room = Number.POSITIVE_INFINITY;
    await until(() => expect(dropped).toHaveLength(1));
    queue.write(Buffer.from('last\n'));
    await until(() => expect(target.text).toMatch(/last\n$/));
    const kept = target.text.length - 5;
    expect(kept).toBeGreaterThan(maxPendingBytes / 2);
    expect(kept).toBeLessThanOrEqual(maxPendingBytes + line.length);
    expect(kept + (dropped[0] as number)).toBe(lines * line.length);
    target.room = 0;
    queue.write(line);
    await until(() => expect(errors).toHaveLength(2));
  });

  test('waits for a slow reader without an error, and writes every line completely', async () => {
    const { target, lineTarget } = openTarget('EAGAIN');
    const errors: Error[] = [];
    const queue = openLineQueue(lineTarget, { onError: (error) => errors.push(error) });
    const expected = Array.from({ length: 500 }, (_, index) => `line ${index}\n`);
    for (const line of expected) queue.write(Buffer.from(line));
    await until(() => {
      target.room = 777;
      expect(target.text).toBe(expected.join(''));
    });
    expect(errors).toEqual([]);
  });

  test('reports that it drops lines while nothing reads', () => {
    const { lineTarget } = openTarget('EAGAIN');
    const errors: string[] = [];
    const queue = openLineQueue(lineTarget, { onError: ({ message }) => errors.push(message) });
    const lines = Buffer.alloc(maxPendingBytes / 2, 'x\n');
    for (let index = 0; index < 9; index += 1) queue.write(lines);
    expect(errors).toEqual(['too many log entries are pending: new entries are dropped']);
  });

  test('writes pending lines at the end of the process, in order, and stops waiting for a stuck reader', async () => {
    const { target, lineTarget } = openTarget('EAGAIN');
    const queue = openLineQueue(lineTarget);
    queue.write(Buffer.from('one\n'));
    queue.write(Buffer.from('two\n'));
    target.room = 6;
    queue.writeSync(Buffer.from('three\n'));
    expect(target.text).toBe('one\ntw');
    target.room = 100;
    queue.writeSync(Buffer.from('four\n'));
    expect(target.text).toBe('one\ntwfour\n');
  });

  test.skipIf(!existsSync('/dev/full'))('reports a full disk once, also after further attempts', async () => {
    const fd = openSync('/dev/full', 'w');
    let tries = 0;
    const errors: unknown[] = [];
    const queue = openLineQueue(
      {
        write(bytes, done) {
          tries += 1;
          write(fd, bytes, done);
        },
        writeSync: (bytes) => writeSync(fd, bytes),
      },
      { retryMs: 5, onError: (error) => errors.push(error) },
    );
    queue.write(Buffer.from('one\n'));
    await until(() => expect(tries).toBeGreaterThan(3));
    expect(errors).toMatchObject([{ code: 'ENOSPC' }]);
  });
});
