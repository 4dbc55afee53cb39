import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
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
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TObject } from '@sinclair/typebox';
import { Pool } from 'undici';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { bindContext, currentContext, runAs } from '../../../src/framework/context/context.ts';
import { createLineBuffer } from '../../../src/framework/logging/line-buffer.ts';
import {
  getLogger,
  type Level,
  type Logging,
  levels,
  openLogging,
} from '../../../src/framework/logging/logger.ts';
import { openRotatingFile } from '../../../src/framework/logging/rotating-file.ts';
import { defineService, type Service } from '../../../src/framework/service/define-service.ts';
import { createTestApp, type LogEntry, makeFolder } from '../../support/app.ts';

/** A log whose lines are kept as they were written. */
async function openRaw(level: Level = 'trace'): Promise<{ logging: Logging; raw: string[] }> {
  const raw: string[] = [];
  const stream = { write: (line: string) => void raw.push(line) };
  return { logging: await openLogging({ level, console: 'none', streams: [stream] }), raw };
}

/** The lines that `write` causes, parsed. */
async function log(write: (logging: Logging) => void, level?: Level): Promise<LogEntry[]> {
  const { logging, raw } = await openRaw(level);
  write(logging);
  return raw.map((line) => JSON.parse(line) as LogEntry);
}

/** Resolves when `check` holds; what it waits for is written in the background. */
const until = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 5 });

/** Runs this TypeScript as a process of its own; resolves with what it printed. */
async function run(script: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 8_000,
    killSignal: 'SIGKILL',
  });
  let printed = '';
  child.stdout.on('data', (data) => {
    printed += data;
  });
  const [, signal] = await once(child, 'close');
  expect(signal, 'it ends by itself').toBeNull();
  return printed;
}

const source = (name: string) =>
  JSON.stringify(new URL(`../../../src/framework/${name}.ts`, import.meta.url).href);

describe('a line', () => {
  test('is JSON with level, time, service and message, and the request where there is one', async () => {
    const { logging, raw } = await openRaw();
    const logger = logging.logger('pet');
    logger.info('one');
    logger.child({ reqId: 'r1' }).warn({ age: 3 }, 'two');
    expect(raw).toHaveLength(2);
    for (const line of raw) expect(line).toMatch(/^\{.*\}\n$/);
    const [one, two] = raw.map((line) => JSON.parse(line));
    expect(Object.keys(one)).toEqual(['level', 'time', 'service', 'msg']);
    expect(one).toMatchObject({ level: 'info', service: 'pet', msg: 'one' });
    expect(one.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Math.abs(Date.parse(one.time) - Date.now())).toBeLessThan(5000);
    expect(Object.keys(two)).toEqual(['level', 'time', 'service', 'reqId', 'age', 'msg']);
    expect(two).toMatchObject({ level: 'warn', service: 'pet', reqId: 'r1', age: 3, msg: 'two' });
  });

  test('is one line, whatever it says', async () => {
    const { logging, raw } = await openRaw();
    logging.logger('pet').info({ text: 'a\nb\u2028c' }, 'd\r\ne');
    expect(raw).toHaveLength(1);
    expect(raw[0]?.trimEnd()).not.toMatch(/[\n\r]/);
    expect(JSON.parse(raw[0] as string)).toMatchObject({ text: 'a\nb\u2028c', msg: 'd\r\ne' });
  });

  test.for<[string, (logging: Logging) => void]>([
    ['a plain line', (logging) => logging.logger('pet').info('x')],
    ['a line of a child', (logging) => logging.logger('pet').child({ job: 'feed' }).info('x')],
    ['an object that has a service', (logging) => logging.logger('pet').info({ service: 'vet' }, 'x')],
    ['a child that has a service', (logging) => logging.logger('pet').child({ service: 'vet' }).info('x')],
  ])('has one service and no other: %s', async ([, write]) => {
    const { logging, raw } = await openRaw();
    write(logging);
    expect(raw[0]?.match(/"service":/g)).toHaveLength(1);
    expect(JSON.parse(raw[0] as string).service).toBe('pet');
  });

  test('of an error has its type, its message and its stack', async () => {
    const [line] = await log((logging) =>
      logging.logger('pet').error({ err: new TypeError('no') }, 'failed'),
    );
    expect(line).toMatchObject({ level: 'error', msg: 'failed', err: { type: 'TypeError', message: 'no' } });
    expect(line).toMatchObject({ err: { stack: expect.stringContaining('logger.test.ts') } });
  });

  test('that nobody is known for has the same form, as the gateway', async () => {
    const printed = await run(`
      const { getLogger } = await import(${source('logging/logger')});
      getLogger().info({ password: 'hunter2' }, 'early');`);
    const line = JSON.parse(printed);
    expect(Object.keys(line).slice(0, 3)).toEqual(['level', 'time', 'service']);
    expect(line).toMatchObject({ level: 'info', service: 'gateway', msg: 'early' });
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(printed).not.toContain('hunter2');
  });
});

describe('the level', () => {
  const writeAll = (logger: ReturnType<Logging['logger']>) => {
    for (const level of levels) if (level !== 'silent') logger[level](level);
  };

  test.for(levels.map((level, index) => [level, levels.slice(index, -1)] as const))(
    '%s lets through what is as grave and graver',
    async ([level, written]) => {
      const lines = await log((logging) => writeAll(logging.logger('pet')), level);
      expect(lines.map(({ msg }) => msg)).toEqual(written);
      expect(lines.map((line) => line.level)).toEqual(written);
    },
  );

  test('of a service is its own, below and above that of all', async () => {
    const lines = await log((logging) => {
      writeAll(logging.logger('pet', 'debug'));
      writeAll(logging.logger('user', 'error'));
      writeAll(logging.logger('shop'));
      writeAll(logging.logger('mute', 'silent'));
    }, 'warn');
    const of = (service: string) => lines.filter((line) => line.service === service).map(({ msg }) => msg);
    expect(of('pet')).toEqual(['debug', 'info', 'warn', 'error', 'fatal']);
    expect(of('user')).toEqual(['error', 'fatal']);
    expect(of('shop')).toEqual(['warn', 'error', 'fatal']);
    expect(of('mute')).toEqual([]);
  });
});

describe('a secret never reaches a line:', () => {
  const secret = 'hunter2-xyzzy';

  async function rawOf(fields: object): Promise<string> {
    const { logging, raw } = await openRaw();
    logging.logger('pet').info({ ...fields, kept: 'kept' }, 'x');
    logging.logger('pet').child(fields).info({ kept: 'kept' }, 'x');
    expect(raw).toHaveLength(2);
    for (const line of raw)
      expect(JSON.parse(line)).toMatchObject({ service: 'pet', kept: 'kept', msg: 'x' });
    return raw.join('');
  }

  const keys = [
    ...['authorization', 'cookie', 'set-cookie', 'password', 'token', 'secret', 'credential', 'apiKey'],
    ...['api_key', 'api-key', 'x-internal', 'internal'],
  ];

  test.for(keys)('%s of the line itself', async (key) => {
    expect(await rawOf({ [key]: secret })).not.toContain(secret);
  });

  test.for(keys)('%s of an object in it', async (key) => {
    expect(await rawOf({ body: { [key]: secret, name: 'Rex' } })).not.toContain(secret);
  });

  test.for(keys)('%s of the headers of a request', async (key) => {
    expect(await rawOf({ request: { headers: { [key]: [secret] } } })).not.toContain(secret);
  });

  /** An object with all of the secrets under these keys. */
  const all = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, secret]));

  test('one of an object deep in another', async () => {
    expect(await rawOf({ a: { b: { c: all(keys) } } })).not.toContain(secret);
  });

  test.for([7, 8, 9, 20])('one that lies %s objects deep', async (depth) => {
    let fields: object = all(keys);
    for (let index = 0; index < depth; index += 1) fields = { deeper: fields };
    expect(await rawOf(fields)).not.toContain(secret);
  });

  test('one of an object in a list', async () => {
    expect(await rawOf({ users: [{ name: 'Alice', ...all(keys) }] })).not.toContain(secret);
  });

  test('one in capitals', async () => {
    const names = ['Authorization', 'Cookie', 'Set-Cookie', 'PASSWORD', 'Token'];
    expect(await rawOf({ headers: all(names) })).not.toContain(secret);
  });

  test('one of a longer name', async () => {
    const names = ['proxy-authorization', 'access_token', 'refreshToken', 'newPassword'];
    expect(await rawOf({ body: all(names) })).not.toContain(secret);
  });

  test('what an error carries', async () => {
    const err = Object.assign(new Error('no'), { password: secret, headers: { authorization: secret } });
    expect(await rawOf({ err })).not.toContain(secret);
  });

  test('and the object that was logged has it still', async () => {
    const fields = { password: secret, headers: { authorization: secret } };
    await rawOf(fields);
    expect(fields).toEqual({ password: secret, headers: { authorization: secret } });
  });
});

describe('getLogger', () => {
  /** Code that services share: it knows neither the service nor the request. */
  const note = (via: string) => getLogger().info({ via }, 'note');

  const emitter = new EventEmitter();
  const ways = ['here', 'promise', 'timer', 'immediate', 'tick', 'emitter', 'pool', 'interval'] as const;

  /** Takes note in every way in which code comes to run; resolves when all have. */
  async function noteAll(pool: Pool): Promise<void> {
    note('here');
    const event = `event ${Math.random()}`;
    await Promise.all([
      sleep(1).then(() => note('promise')),
      new Promise<void>((resolve) => setTimeout(() => resolve(note('timer')), 2)),
      new Promise<void>((resolve) => setImmediate(() => resolve(note('immediate')))),
      new Promise<void>((resolve) => process.nextTick(() => resolve(note('tick')))),
      new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          clearInterval(timer);
          resolve(note('interval'));
        }, 1);
      }),
      // Whoever emits has another context, or none.
      new Promise<void>((resolve) => {
        emitter.once(
          event,
          bindContext(() => resolve(note('emitter'))),
        );
        outside.push(() => emitter.emit(event));
      }),
      // One connection for all: a callback runs when the answer to somebody else's request frees it.
      new Promise<void>((resolve, reject) =>
        pool.request({ path: '/', method: 'GET' }, (error, data) => {
          if (error) return reject(error);
          note('pool');
          data?.body.dump().then(resolve, reject);
        }),
      ),
    ]);
  }

  /** What runs in no context at all. */
  const outside: (() => void)[] = [];

  function defineNoting(name: string, pool: Pool): Service<TObject> {
    return defineService({
      name,
      description: 'Takes notes.',
      routes(scope) {
        note('start');
        scope.get('/note', { schema: { hide: true } }, async () => {
          await noteAll(pool);
          return { ok: true };
        });
        scope.get('/debug', { schema: { hide: true } }, async () => {
          getLogger().debug('detail');
          return { ok: true };
        });
      },
    });
  }

  async function openPool(t: TestContext): Promise<Pool> {
    const server = createServer((_request, response) => setTimeout(() => response.end('ok'), 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { connections: 1 });
    t.onTestFinished(async () => {
      await pool.destroy();
      server.close();
    });
    return pool;
  }

  test('is that of the service and the request whose code is running, however it came to run', async (t) => {
    const pool = await openPool(t);
    const timer = setInterval(() => {
      for (const emit of outside.splice(0)) emit();
    }, 1);
    t.onTestFinished(() => clearInterval(timer));
    const { send, logs } = await createTestApp(t, {
      services: [defineNoting('alpha', pool), defineNoting('beta', pool)],
    });

    const count = 40;
    const ids = Array.from({ length: count }, (_, index) => [`alpha-${index}`, `beta-${index}`]).flat();
    await Promise.all(
      ids.map(async (id) => {
        const { status } = await send('GET', `/${id.split('-', 1)[0]}/note`, undefined, {
          'x-request-id': id,
        });
        expect(status).toBe(200);
      }),
    );

    const notes = logs.filter(({ msg, via }) => msg === 'note' && via !== 'start');
    expect(notes).toHaveLength(ids.length * ways.length);
    for (const id of ids) {
      const own = notes.filter(({ reqId }) => reqId === id);
      expect(own.map(({ via }) => via).sort(), id).toEqual([...ways].sort());
      expect(new Set(own.map(({ service }) => service)), id).toEqual(new Set([id.split('-', 1)[0]]));
    }
  });

  test('is that of the service while the service starts', async (t) => {
    const pool = await openPool(t);
    const { logs } = await createTestApp(t, {
      services: [defineNoting('alpha', pool), defineNoting('beta', pool)],
    });
    const started = logs.filter(({ via }) => via === 'start');
    expect(started).toMatchObject([
      { service: 'alpha', job: 'start', level: 'info' },
      { service: 'beta', job: 'start', level: 'info' },
    ]);
    for (const line of started) expect(line).not.toHaveProperty('reqId');
  });

  test('has the level of its service', async (t) => {
    const pool = await openPool(t);
    const { send, logs } = await createTestApp(t, {
      services: [defineNoting('alpha', pool), defineNoting('beta', pool), defineNoting('gamma', pool)],
      config: { services: { alpha: { log: { level: 'debug' } }, gamma: { log: { level: 'silent' } } } },
    });
    for (const service of ['alpha', 'beta', 'gamma']) await send('GET', `/${service}/debug`);
    await send('GET', '/gamma/nowhere');
    const of = (name: string) => logs.filter(({ service }) => service === name);
    await until(() => expect(of('beta').some(({ msg }) => msg === 'request')).toBe(true));
    expect(of('alpha').map(({ level, msg }) => [level, msg])).toContainEqual(['debug', 'detail']);
    expect(of('beta').map(({ msg }) => msg)).not.toContain('detail');
    expect(of('gamma')).toEqual([]);
  });
});

describe('runAs', () => {
  test('tags what it runs, and all that this starts, with the service and the job', async () => {
    const { logging, raw } = await openRaw();
    await runAs('pet', 'feed', logging.logger('pet'), async () => {
      getLogger().info('now');
      await sleep(1);
      getLogger().info('later');
      await new Promise<void>((resolve) => setTimeout(() => resolve(getLogger().info('timer')), 1));
    });
    expect(raw.map((line) => JSON.parse(line))).toMatchObject(
      ['now', 'later', 'timer'].map((msg) => ({ service: 'pet', job: 'feed', msg })),
    );
    for (const line of raw) expect(line).not.toContain('reqId');
  });

  test('returns what its function returns, throws what it throws, and leaves no trace', async () => {
    const { logging } = await openRaw();
    const logger = logging.logger('pet');
    expect(runAs('pet', 'feed', logger, () => currentContext()?.service)).toBe('pet');
    expect(() =>
      runAs('pet', 'feed', logger, () => {
        throw new Error('no food');
      }),
    ).toThrow('no food');
    expect(currentContext()).toBeUndefined();
  });

  test('keeps jobs that run at once apart, also one within another', async () => {
    const { logging, raw } = await openRaw();
    const job = (service: string) => async () => {
      for (let step = 0; step < 5; step += 1) {
        await sleep(1);
        getLogger().info({ expected: service }, 'step');
      }
    };
    const all = Array.from({ length: 20 }, (_, index) => `s${index}`);
    await Promise.all(all.map((name) => runAs(name, 'walk', logging.logger(name), job(name))));
    await runAs('outer', 'a', logging.logger('outer'), async () => {
      await runAs('inner', 'b', logging.logger('inner'), job('inner'));
      await job('outer')();
    });
    const lines = raw.map((line) => JSON.parse(line));
    expect(lines).toHaveLength(22 * 5);
    for (const { service, expected } of lines) expect(service).toBe(expected);
  });
});

describe('the file of the log', () => {
  test('is <directory>/<name>.jsonl, in a folder that is made, with the lines in order', async (t) => {
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

  test('has every line, though the process ends at once', async (t) => {
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

  test('has the lines of a process that ends as soon as it has started', async (t) => {
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

/** The lines of a file of the log; each must be whole. */
function readLines(file: string): Record<string, unknown>[] {
  const text = readFileSync(file, 'utf8');
  expect(text === '' || text.endsWith('\n'), `${file} ends with a whole line`).toBe(true);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

describe('a rotating file', () => {
  /** A folder that stays until the file in it has come to rest. */
  function makeQuietFolder(t: TestContext): string {
    const folder = makeFolder(t);
    t.onTestFinished(() => sleep(50));
    return folder;
  }

  const numberOf = (name: string) => Number(/\.(\d+)\.jsonl$/.exec(name)?.[1] ?? 0);
  /** Its files, from the oldest to the one that is written. */
  const filesOf = (folder: string) => readdirSync(folder).sort((a, b) => numberOf(b) - numberOf(a));
  const read = (folder: string) =>
    filesOf(folder).flatMap((name) => readLines(join(folder, name)).map(({ index }) => index as number));

  test('loses nothing, cuts no line and keeps the order over 10,000 lines and many files', async (t) => {
    const folder = makeQuietFolder(t);
    const maxBytes = 20_000;
    const file = createLineBuffer([openRotatingFile(join(folder, 'pet.jsonl'), { maxBytes, keep: 1000 })]);
    const filler = 'é'.repeat(40);
    for (let index = 0; index < 10_000; index += 1) {
      file.write(`${JSON.stringify({ index, filler })}\n`);
      // In bursts, as requests come.
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
      // Lines are written together, at most 16 KiB of them at once.
      expect(size, name).toBeLessThan(maxBytes + 2 * 16_384);
    }
  });

  test('keeps as many old files as it is told, the newest', async (t) => {
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

  test('counts what the file had before, and goes on after it', async (t) => {
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
    // One that is full at the start is an old one.
    truncateSync(path, full);
    openRotatingFile(path);
    expect(filesOf(folder)).toEqual([...[5, 4, 3, 2, 1].map((age) => `pet.${age}.jsonl`), 'pet.jsonl']);
    expect(statSync(path).size).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'pet.1.jsonl')).size).toBe(full);
    expect(readFileSync(join(folder, 'pet.5.jsonl'), 'utf8')).toBe('4');
  });

  test('leaves the files of others alone', async (t) => {
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

  test('goes on where its folder is gone, and says so', async (t) => {
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

  test('writes at once what waits, when it is flushed', async (t) => {
    const folder = makeQuietFolder(t);
    const path = join(folder, 'pet.jsonl');
    const file = createLineBuffer([openRotatingFile(path)]);
    await until(() => expect(existsSync(path)).toBe(true));
    await sleep(10);
    for (let index = 0; index < 1000; index += 1) file.write(`${JSON.stringify({ index })}\n`);
    file.flushSync();
    // What had been handed to the system before is the system's to write.
    expect(read(folder).length).toBeGreaterThanOrEqual(998);
    await until(() => expect(read(folder)).toHaveLength(1000));
    expect(read(folder).sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });

  // A device of Linux: whoever writes to it is told that the disk is full.
  test.skipIf(!existsSync('/dev/full'))('lets the process live, and end, when the disk is full', async () => {
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

  test('can be flushed at any time, also in the middle of a rotation and before it is open', async (t) => {
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

test('the log of a terminal is for a person, that of a program is JSON, and both have every line', async () => {
  // The console is the process's own, so it is another process that writes to it.
  const printed = (form: string) =>
    run(`
      import { openLogging } from ${source('logging/logger')};
      const logging = await openLogging({ level: 'info', console: ${JSON.stringify(form)} });
      logging.logger('pet').child({ reqId: 'abc' }).info({ method: 'GET', path: '/pet', status: 200, ms: 1.5 }, 'request');
      logging.logger('user').info('hello');
      logging.logger('user').info({ method: 'GET', route: '/user/:id', ms: 15_000 }, 'too slow');
      logging.logger('user').info({ statement: 'SELECT user', ms: 0.5 }, 'statement');
      logging.flush();`);
  expect(JSON.parse((await printed('json')).split('\n')[0] as string)).toMatchObject({
    service: 'pet',
    reqId: 'abc',
  });
  const pretty = await printed('pretty');
  expect(pretty).toContain('[pet] (abc) request GET /pet 200 1.5ms');
  expect(pretty).toContain('[user] hello');
  expect(pretty).toContain('[user] too slow GET /user/:id 15000ms');
  expect(pretty).toMatch(/\[user\] statement 0\.5ms.*\n.*statement.*SELECT user/);
  expect(pretty).not.toContain('undefined');
  expect(pretty).not.toContain('{"level"');
});

test('a log file that cannot be written is said, and does no harm', async (t) => {
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

test('getLogger outside of everything writes as the gateway', () => {
  expect(currentContext()).toBeUndefined();
  expect(getLogger().bindings()).toEqual({ service: 'gateway' });
});
