import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { createLineBuffer } from '../../../src/framework/logging/line-buffer.ts';
import { openLogging } from '../../../src/framework/logging/logger.ts';
import { openRotatingFile } from '../../../src/framework/logging/rotating-file.ts';
import { type LogEntry, makeFolder } from '../../support/app.ts';
import { until } from '../../support/until.ts';
import { readLines, run, source } from './logger-helpers.ts';

describe('the log file', () => {
  test('is <directory>/<name>.jsonl in a new folder, with the entries in order', async (t) => {
    const directory = join(makeFolder(t), 'var/logs');
    const logging = await openLogging({
      level: 'info',
      console: 'none',
      file: { directory, name: 'gateway' },
    });
    const file = join(directory, 'gateway.jsonl');
    await until(() => expect(existsSync(file)).toBe(true));
    const logger = logging.logger('pet');
    for (let index = 0; index < 100; index += 1) logger.info({ index }, 'x');
    await until(() => expect(readLines(file)).toHaveLength(100));
    expect(readLines(file).map(({ index }) => index)).toEqual(
      Array.from({ length: 100 }, (_, index) => index),
    );
  });

  test('has every entry, also if the process exits immediately after', async (t) => {
    const directory = makeFolder(t);
    await run(`
      import { setTimeout as sleep } from 'node:timers/promises';
      import { openLogging } from ${source('logging/logger')};
      const logging = await openLogging({
        level: 'info', console: 'none', file: { directory: ${JSON.stringify(directory)}, name: 'app' },
      });
      process.on('exit', logging.flush);
      await sleep(50);
      for (let index = 0; index < 2000; index += 1) logging.logger('pet').info({ index }, 'x');
      process.exit(0);`);
    const found = readLines(join(directory, 'app.jsonl')).map(({ index }) => index as number);
    expect(found.sort((a, b) => a - b)).toEqual(Array.from({ length: 2000 }, (_, index) => index));
  });

  test('has the entry of a process that exits right after its start', async (t) => {
    const directory = makeFolder(t);
    await run(`
      import { openLogging } from ${source('logging/logger')};
      const logging = await openLogging({
        level: 'info', console: 'none', file: { directory: ${JSON.stringify(directory)}, name: 'app' },
      });
      process.on('exit', logging.flush);
      logging.logger('pet').fatal('gone');
      process.exit(1);`);
    expect(readLines(join(directory, 'app.jsonl'))).toMatchObject([{ msg: 'gone', service: 'pet' }]);
  });
});

describe('a rotating file', () => {
  /** Creates a folder that is removed only after pending writes to its files. */
  function makeQuietFolder(t: TestContext): string {
    const folder = makeFolder(t);
    t.onTestFinished(() => sleep(50));
    return folder;
  }

  const numberOf = (name: string) => Number(/\.(\d+)\.jsonl$/.exec(name)?.[1] ?? 0);
  /** Lists the files, from the oldest to the current one. */
  const filesOf = (folder: string) => readdirSync(folder).sort((a, b) => numberOf(b) - numberOf(a));
  const read = (folder: string) =>
    filesOf(folder).flatMap((name) => readLines(join(folder, name)).map(({ index }) => index as number));

  test('keeps 10,000 lines complete and in order over many files', async (t) => {
    const folder = makeQuietFolder(t);
    const maxBytes = 20_000;
    const file = createLineBuffer([openRotatingFile(join(folder, 'pet.jsonl'), { maxBytes, keep: 1000 })]);
    const filler = 'é'.repeat(40);
    for (let index = 0; index < 10_000; index += 1) {
      file.write(`${JSON.stringify({ index, filler })}\n`);
      // Write in bursts, as requests arrive.
      if (index % 37 === 0) await new Promise(setImmediate);
    }
    const all = Array.from({ length: 10_000 }, (_, index) => index);
    await until(() => expect(read(folder).length).toBe(10_000));
    expect(read(folder)).toEqual(all);

    const names = filesOf(folder);
    expect(names.length).toBeGreaterThan(20);
    expect(names.map(numberOf)).toEqual(names.map((_, index) => names.length - 1 - index));
    expect(names.at(-1)).toBe('pet.jsonl');
    for (const name of names.slice(0, -1)) {
      const { size } = statSync(join(folder, name));
      expect(size, name).toBeGreaterThanOrEqual(maxBytes);
      // A file exceeds the limit by less than one line, because lines are never split.
      expect(size, name).toBeLessThan(maxBytes + 200);
    }
  });

  test('keeps only the newest `keep` old files', async (t) => {
    const folder = makeQuietFolder(t);
    const file = createLineBuffer([
      openRotatingFile(join(folder, 'pet.jsonl'), { maxBytes: 5_000, keep: 3 }),
    ]);
    const last = 5_000;
    for (let index = 1; index <= last; index += 1) {
      file.write(`${JSON.stringify({ index, filler: 'x'.repeat(50) })}\n`);
      if (index % 20 === 0) await new Promise(setImmediate);
    }
    await until(() => expect(read(folder).at(-1)).toBe(last));
    expect(filesOf(folder)).toEqual(['pet.3.jsonl', 'pet.2.jsonl', 'pet.1.jsonl', 'pet.jsonl']);
    const found = read(folder);
    expect(found).toEqual(
      Array.from({ length: found.length }, (_, index) => last - found.length + 1 + index),
    );
    expect(found.length).toBeLessThan(last);
  });

  test('counts the bytes of an existing file, and appends to it', async (t) => {
    const folder = makeQuietFolder(t);
    const path = join(folder, 'pet.jsonl');
    writeFileSync(path, `${JSON.stringify({ index: 0, filler: 'x'.repeat(900) })}\n`);
    const file = createLineBuffer([openRotatingFile(path, { maxBytes: 1000, keep: 3 })]);
    for (const index of [1, 2]) {
      file.write(`${JSON.stringify({ index, filler: 'x'.repeat(100) })}\n`);
      await until(() => expect(read(folder).at(-1)).toBe(index));
    }
    expect(filesOf(folder)).toEqual(['pet.1.jsonl', 'pet.jsonl']);
    expect(readLines(join(folder, 'pet.1.jsonl')).map(({ index }) => index)).toEqual([0, 1]);
    expect(readLines(path).map(({ index }) => index)).toEqual([2]);
  });

  test('has 10 MiB at most, keeps 5 old files, and is for its user alone', async (t) => {
    const folder = makeQuietFolder(t);
    const path = join(folder, 'pet.jsonl');
    const full = 10 * 1024 * 1024;
    for (let age = 1; age <= 5; age += 1) writeFileSync(join(folder, `pet.${age}.jsonl`), `${age}`);
    writeFileSync(path, '');
    truncateSync(path, full - 1);
    openRotatingFile(path);
    expect(statSync(path).size).toBe(full - 1);
    // A file that is full at the start is rotated.
    truncateSync(path, full);
    openRotatingFile(path);
    expect(filesOf(folder)).toEqual([...[5, 4, 3, 2, 1].map((age) => `pet.${age}.jsonl`), 'pet.jsonl']);
    expect(statSync(path).size).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'pet.1.jsonl')).size).toBe(full);
    expect(readFileSync(join(folder, 'pet.5.jsonl'), 'utf8')).toBe('4');
  });

  test('does not touch other files', async (t) => {
    const folder = makeQuietFolder(t);
    for (const name of ['pet.jsonl.bak', 'pet.x.jsonl', 'user.1.jsonl', 'user.jsonl']) {
      writeFileSync(join(folder, name), '');
    }
    mkdirSync(join(folder, 'old'));
    const file = createLineBuffer([openRotatingFile(join(folder, 'pet.jsonl'), { maxBytes: 100, keep: 1 })]);
    for (let index = 0; index < 20; index += 1) {
      file.write(`${JSON.stringify({ index, filler: 'x'.repeat(100) })}\n`);
      await sleep(2);
    }
    const others = ['old', 'pet.jsonl.bak', 'pet.x.jsonl', 'user.1.jsonl', 'user.jsonl'];
    await until(() =>
      expect(readdirSync(folder).sort()).toEqual([...others, 'pet.1.jsonl', 'pet.jsonl'].sort()),
    );
  });

  test('continues to write after its folder is removed, and reports the failed rotation', async (t) => {
    const folder = makeFolder(t);
    const errors: Error[] = [];
    const onError = (error: Error) => errors.push(error);
    const file = createLineBuffer([openRotatingFile(join(folder, 'pet.jsonl'), { maxBytes: 10, onError })]);
    rmSync(folder, { recursive: true });
    file.write('0123456789\n');
    await until(() => expect(errors).toMatchObject([{ code: 'ENOENT' }]));
    file.write('0123456789\n');
    await until(() => expect(errors).toHaveLength(2));
  });

  test('writes pending lines synchronously when it is flushed', async (t) => {
    const folder = makeQuietFolder(t);
    const path = join(folder, 'pet.jsonl');
    const file = createLineBuffer([openRotatingFile(path)]);
    await until(() => expect(existsSync(path)).toBe(true));
    await sleep(10);
    for (let index = 0; index < 1000; index += 1) file.write(`${JSON.stringify({ index })}\n`);
    file.flushSync();
    // Lines of a write that was already in progress may arrive later.
    expect(read(folder).length).toBeGreaterThanOrEqual(998);
    await until(() => expect(read(folder)).toHaveLength(1000));
    expect(read(folder).sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });

  // Each write to this device of Linux fails as on a full disk.
  test.skipIf(!existsSync('/dev/full'))('lets the process continue and exit on a full disk', async () => {
    const printed = await run(`
      import { setTimeout as sleep } from 'node:timers/promises';
      import { createLineBuffer } from ${source('logging/line-buffer')};
      import { openRotatingFile } from ${source('logging/rotating-file')};
      const file = createLineBuffer([openRotatingFile('/dev/full')]);
      await sleep(50);
      for (const line of ['one', 'two']) {
        file.write(line);
        await sleep(50);
        console.log('alive');
      }
      process.exit(0);`);
    expect(printed).toBe('alive\nalive\n');
  });

  test('can be flushed at any time, also before the first write and during a rotation', async (t) => {
    const folder = makeQuietFolder(t);
    const file = createLineBuffer([
      openRotatingFile(join(folder, 'pet.jsonl'), { maxBytes: 1000, keep: 1000 }),
    ]);
    expect(() => file.flushSync()).not.toThrow();
    for (let index = 0; index < 2000; index += 1) {
      file.write(`${JSON.stringify({ index, filler: 'x'.repeat(50) })}\n`);
      if (index % 7 === 0) file.flushSync();
      if (index % 5 === 0) await new Promise(setImmediate);
    }
    await until(() => expect(read(folder)).toHaveLength(2000));
    expect(read(folder).sort((a, b) => a - b)).toEqual(Array.from({ length: 2000 }, (_, index) => index));
  });
});

test('a log file that cannot be written is reported once, and the other destinations continue', async (t) => {
  const lines: LogEntry[] = [];
  const directory = makeFolder(t);
  symlinkSync('/dev/full', join(directory, 'app.jsonl'));
  const logging = await openLogging({
    level: 'info',
    console: 'none',
    file: { directory, name: 'app' },
    streams: [{ write: (line) => void lines.push(JSON.parse(line)) }],
  });
  logging.logger('pet').info('one');
  await until(() => expect(lines.map(({ msg }) => msg)).toEqual(['one', 'the log file cannot be written']));
  expect(lines[1]).toMatchObject({ service: 'gateway', level: 'error' });
  logging.logger('pet').info('two');
  logging.flush();
  expect(lines).toHaveLength(3);
});
