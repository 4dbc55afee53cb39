import { EventEmitter } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TObject } from '@sinclair/typebox';
import { Pool } from 'undici';
import { describe, expect, type TestContext, test } from 'vitest';
import { bindContext, currentContext, runAs } from '../../../src/framework/context/context.ts';
import { getLogger, type Logging, levels } from '../../../src/framework/logging/logger.ts';
import { defineService, type Service } from '../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../support/app.ts';
import { startListening } from '../../support/listening.ts';
import { until } from '../../support/until.ts';
import { log, openRaw, run, source } from './logger-helpers.ts';

describe('a log entry', () => {
  test('is JSON with level, time, service and message, and with the request id within a request', async () => {
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

  test('is one line of text, also if it contains line breaks', async () => {
    const { logging, raw } = await openRaw();
    logging.logger('pet').info({ text: 'a\nb\u2028c' }, 'd\r\ne');
    expect(raw).toHaveLength(1);
    expect(raw[0]?.trimEnd()).not.toMatch(/[\n\r]/);
    expect(JSON.parse(raw[0] as string)).toMatchObject({ text: 'a\nb\u2028c', msg: 'd\r\ne' });
  });

  test.for<[string, (logging: Logging) => void]>([
    ['a plain entry', (logging) => logging.logger('pet').info('x')],
    ['an entry of a child', (logging) => logging.logger('pet').child({ job: 'feed' }).info('x')],
    ['an object with a field service', (logging) => logging.logger('pet').info({ service: 'vet' }, 'x')],
    ['a child with a field service', (logging) => logging.logger('pet').child({ service: 'vet' }).info('x')],
  ])('has exactly one service: %s', async ([, write]) => {
    const { logging, raw } = await openRaw();
    write(logging);
    expect(raw[0]?.match(/"service":/g)).toHaveLength(1);
    expect(JSON.parse(raw[0] as string).service).toBe('pet');
  });

  test('of an error has its type, message and stack', async () => {
    const [line] = await log((logging) =>
      logging.logger('pet').error({ err: new TypeError('no') }, 'failed'),
    );
    expect(line).toMatchObject({ level: 'error', msg: 'failed', err: { type: 'TypeError', message: 'no' } });
    expect(line).toMatchObject({ err: { stack: expect.stringContaining('logger.test.ts') } });
  });

  test('outside of a service and a request has the same format, with the service gateway', async () => {
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

describe('the log level', () => {
  const writeAll = (logger: ReturnType<Logging['logger']>) => {
    for (const level of levels) if (level !== 'silent') logger[level](level);
  };

  test.for(levels.map((level, index) => [level, levels.slice(index, -1)] as const))(
    '%s writes entries of that level and above',
    async ([level, written]) => {
      const lines = await log((logging) => writeAll(logging.logger('pet')), level);
      expect(lines.map(({ msg }) => msg)).toEqual(written);
      expect(lines.map((line) => line.level)).toEqual(written);
    },
  );

  test('of a service overrides the general level, in both directions', async () => {
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

describe('getLogger', () => {
  /** Logs as code that services share: it knows neither the service nor the request. */
  const note = (via: string) => getLogger().info({ via }, 'note');

  const emitter = new EventEmitter();
  const ways = ['here', 'promise', 'timer', 'immediate', 'tick', 'emitter', 'pool', 'interval'] as const;

  /** Logs a note in each of `ways`. Resolves after all notes. */
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
      // The code that emits the event has another context, or none.
      new Promise<void>((resolve) => {
        emitter.once(
          event,
          bindContext(() => resolve(note('emitter'))),
        );
        outside.push(() => emitter.emit(event));
      }),
      // The pool has one connection: a callback runs when the response to another request frees it.
      new Promise<void>((resolve, reject) =>
        pool.request({ path: '/', method: 'GET' }, (error, data) => {
          if (error) return reject(error);
          note('pool');
          data?.body.dump().then(resolve, reject);
        }),
      ),
    ]);
  }

  /** Functions that run outside of any context. */
  const outside: (() => void)[] = [];

  function defineNoting(name: string, pool: Pool): Service<TObject> {
    return defineService({
      name,
      description: 'Logs notes.',
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
    const { url } = await startListening(t, server);
    const pool = new Pool(url, { connections: 1 });
    t.onTestFinished(() => pool.destroy());
    return pool;
  }

  test('returns the logger of the service and request whose code is running, for every way to run code', async (t) => {
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
      const ofRequest = notes.filter(({ reqId }) => reqId === id);
      expect(ofRequest.map(({ via }) => via).sort(), id).toEqual([...ways].sort());
      expect(new Set(ofRequest.map(({ service }) => service)), id).toEqual(new Set([id.split('-', 1)[0]]));
    }
  });

  test('returns the logger of the service while the service starts', async (t) => {
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

  test('returns a logger with the level of its service', async (t) => {
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
  test('tags the entries of its function, and of all that the function starts, with service and job', async () => {
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

  test('returns the result of its function, throws its error, and leaves no context behind', async () => {
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

  test('keeps the contexts of concurrent and of nested jobs separate', async () => {
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

test('getLogger outside of any context returns the logger of the gateway', () => {
  expect(currentContext()).toBeUndefined();
  expect(getLogger().bindings()).toEqual({ service: 'gateway' });
});
