import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRequestLogger, writeAccessLine } from '../../../src/framework/logging/access-log.ts';
import { type Level, openLogging } from '../../../src/framework/logging/logger.ts';

async function open(level: Level = 'info') {
  const lines: string[] = [];
  const streams = [{ write: (line: string) => void lines.push(line.replace(/"time":"[^"]+"/, '"time":""')) }];
  return { log: (await openLogging({ level, console: 'none', streams })).logger('pet'), lines };
}

const fields = fc.record(
  {
    method: fc.constantFrom('GET', 'POST', 'M-SEARCH'),
    path: fc.oneof(fc.webPath(), fc.string({ unit: 'binary' }), fc.constant('/"\\\n\u0000é')),
    route: fc.option(fc.string(), { nil: undefined }),
    status: fc.integer({ min: 100, max: 599 }),
    ms: fc.double({ min: 0, max: 1e9, noNaN: true }),
    aborted: fc.constant(true),
  },
  { requiredKeys: ['method', 'path', 'status', 'ms'] },
);

test('the line of a request is, letter for letter, what Pino would write', async () => {
  const { log, lines } = await open();
  fc.assert(
    fc.property(fc.stringMatching(/^[\w-]{1,64}$/), fields, (reqId, some) => {
      lines.length = 0;
      log.child({ reqId }).info(some, 'request');
      writeAccessLine(createRequestLogger(log, reqId), some);
      expect(lines[1]).toBe(lines[0]);
      expect(() => JSON.parse(lines[1] as string)).not.toThrow();
    }),
    { numRuns: 500 },
  );
});

test('an answer that was taken is not said to be aborted', async () => {
  const { log, lines } = await open();
  writeAccessLine(log, { method: 'GET', path: '/', status: 200, ms: 1, aborted: false });
  expect(lines[0]).not.toContain('aborted');
});

test('the line of a request shows 256 characters of its path', async () => {
  const { log, lines } = await open();
  const path = `/${'a'.repeat(8_000)}`;
  writeAccessLine(log, { method: 'GET', path, status: 404, ms: 1 });
  writeAccessLine(log, { method: 'GET', path: path.slice(0, 256), status: 404, ms: 1 });
  expect(JSON.parse(lines[0] as string).path).toBe(`${path.slice(0, 256)}…`);
  expect(JSON.parse(lines[1] as string).path).toBe(path.slice(0, 256));
});

test('it is written where the level says so', async () => {
  const { log, lines } = await open('warn');
  writeAccessLine(createRequestLogger(log, 'a'), { method: 'GET', path: '/', status: 200, ms: 1 });
  expect(lines).toEqual([]);
});

test('the child of a request is as one of Pino’s, for its own children too', async () => {
  const { log, lines } = await open();
  const child = createRequestLogger(log, 'a');
  expect(child.bindings()).toEqual(log.child({ reqId: 'a' }).bindings());
  log.child({ reqId: 'a' }).child({ job: 1, token: 'x' }).warn({ n: 1 }, 'said');
  child.child({ job: 1, token: 'x' }).warn({ n: 1 }, 'said');
  expect(lines[1]).toBe(lines[0]);
  expect(lines[1]).toContain('"reqId":"a","job":1');
  // The logger that it is a child of stays as it was.
  log.info('alone');
  expect(lines[2]).not.toContain('reqId');
});
