import type { Server } from 'node:http';
import { expect, test, vi } from 'vitest';
import { checkConfig } from '../../../../src/framework/config/config.ts';
import { createInternalCredential, generateSecret } from '../../../../src/framework/http/internal-caller.ts';
import { createExemptPaths } from '../../../../src/framework/http/overload/exempt-paths.ts';
import { createLoadShedder } from '../../../../src/framework/http/overload/load-shedding.ts';
import { captureLog, sendRequest } from '../../../support/app.ts';
import { startListening } from '../../../support/listening.ts';
import { exchange } from '../../../support/sockets.ts';

test('the time that each rejection takes is reported to the concurrency limit', async (t) => {
  const { limits } = checkConfig(
    { limits: { requests: 1 }, services: {}, apps: { gateway: { port: 0, services: [] } } },
    new Map(),
    'config.yaml',
  );
  const { logging, logs } = await captureLog('info');
  const { concurrency, serverFactory } = createLoadShedder({
    limits,
    credential: createInternalCredential(generateSecret()),
    exemptPaths: createExemptPaths(),
    log: logging.logger('gateway'),
    securityHeaders: {},
  });
  const countRejection = vi.spyOn(concurrency, 'countRejection');
  const server = serverFactory((_request, response) => void response.end(), { http: {} }) as Server;
  const url = `${(await startListening(t, server)).url}/`;
  expect((await sendRequest(url, 'GET')).status).toBe(200);
  expect(countRejection).not.toHaveBeenCalled();
  concurrency.enter();
  expect((await sendRequest(url, 'GET')).status).toBe(503);
  expect(countRejection.mock.calls).toEqual([[expect.any(Number)]]);
  expect(countRejection.mock.calls[0]?.[0]).toBeGreaterThan(0);

  // An absolute URL may hold a password.
  const target = `${url.replace('//', '//alice:secret@')}pet`;
  const bytes = `GET ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`;
  const [response] = await exchange(t, url, bytes);
  expect(response?.body).toMatchObject({ status: 503, instance: '/pet' });
  expect(logs.map(({ path }) => path)).toEqual(['/', '/pet']);
});
