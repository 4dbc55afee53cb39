import { expect, test } from 'vitest';
import { run, source } from './logger-helpers.ts';

test('the console shows every entry, readable for `pretty` and as JSON for `json`', async () => {
  // Standard output belongs to a process, so each format is printed by a separate process.
  const print = (format: string) =>
    run(`
      import { openLogging } from ${source('logging/logger')};
      const logging = await openLogging({ level: 'info', console: ${JSON.stringify(format)} });
      logging.logger('pet').child({ reqId: 'abc' }).info({ method: 'GET', path: '/pet', status: 200, ms: 1.5 }, 'request');
      logging.logger('user').info('hello');
      logging.logger('user').info({ method: 'GET', route: '/user/:id', ms: 15_000 }, 'too slow');
      logging.logger('gateway').info({ url: 'http://127.0.0.1:8000/docs' }, 'docs of all services');
      logging.logger('user').info({ statement: 'SELECT user', ms: 0.5 }, 'statement');
      logging.flush();`);
  expect(JSON.parse((await print('json')).split('\n')[0] as string)).toMatchObject({
    service: 'pet',
    reqId: 'abc',
  });
  const pretty = await print('pretty');
  expect(pretty).toContain('[pet] (abc) request GET /pet 200 1.5ms');
  expect(pretty).toContain('[user] hello');
  expect(pretty).toContain('[user] too slow GET /user/:id 15000ms');
  expect(pretty).toContain('[gateway] docs of all services at http://127.0.0.1:8000/docs');
  expect(pretty).toMatch(/\[user\] statement 0\.5ms.*\n.*statement.*SELECT user/);
  expect(pretty).not.toContain('undefined');
  expect(pretty).not.toContain('{"level"');
});
