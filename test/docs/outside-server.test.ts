import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { createTestApp } from '../support/app.ts';
import catalog from './snippets/catalog.ts';

/** Starts the service of docs/calling-services.md, and the outside server: each ISBN has a different response. */
async function start(t: TestContext) {
  const server = createServer((request, response) => {
    if (request.url === '/9780000000001.txt') response.end('A ring.');
    if (request.url === '/9780000000002.txt') response.writeHead(500).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.onTestFinished(() => void server.close().closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return createTestApp(t, { services: [catalog], config: { services: { catalog: { options: { url } } } } });
}

test.for([
  ['9780000000001', 200, { text: 'A ring.' }],
  ['9780000000002', 503, { detail: 'The catalog does not respond' }],
  ['9780000000003', 504, { detail: 'The catalog does not respond' }],
] as const)('the call to an outside server for %s is %s', async ([isbn, status, body], t) => {
  const { get } = await start(t);
  expect(await get(`/catalog/blurbs/${isbn}`)).toMatchObject({ status, body });
});
