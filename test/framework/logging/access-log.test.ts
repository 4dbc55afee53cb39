import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import {
  type AccessLog,
  fastAccessLog,
  hasPrivateState,
  publicAccessLog,
} from '../../../src/framework/logging/access-log.ts';
import { captureLog } from '../../support/app.ts';

const changed =
  'Pino has changed the private state that access-log.ts uses. Requests are now logged by its public API, which takes five times as long';

test('Pino still has the private state that makes access log entries fast', () => {
  expect(hasPrivateState(pino({ enabled: false })), changed).toBe(true);
  expect(hasPrivateState({} as never)).toBe(false);
  expect(hasPrivateState(pino(new Writable({ write: (_chunk, _encoding, done) => done() }))), changed).toBe(
    true,
  );
});

test('the public API writes the same entries as the private state', async () => {
  const write = async ({ createRequestLogger, writeRequest }: AccessLog) => {
    const { logging, rawLogs } = await captureLog('info');
    const log = createRequestLogger(logging.logger('pet'), 'an-id');
    const request = { method: 'GET', path: '/pet/pets/1', status: 200, ms: 1.5 };
    writeRequest(log, { ...request, route: '/pet/pets/:pet_id' });
    writeRequest(log, { ...request, path: `/"${'a'.repeat(300)}`, aborted: true });
    log.info('entry of the handler');
    return rawLogs.map((line) => line.replace(/"time":"[^"]*"/, ''));
  };
  expect(await write(fastAccessLog), changed).toEqual(await write(publicAccessLog));
});
