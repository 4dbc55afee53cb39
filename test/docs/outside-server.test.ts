import { createServer } from 'node:http';
import { expect, type TestContext, test } from 'vitest';
import { createTestApp } from '../support/app.ts';
import { startListening } from '../support/listening.ts';
import catalog from './snippets/catalog.ts';

/** Starts the service of docs/calling-services.md, and the outside server: each ISBN has a different response. */
async function start(t: TestContext) {
  const server = createServer((request, response) => {
    if (request.url === '/9780000000001.txt') response.end('A ring.');
    if (request.url === '/9780000000002.txt') response.writeHead(500).end();
  });
  const { url } = await startListening(t, server);
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
