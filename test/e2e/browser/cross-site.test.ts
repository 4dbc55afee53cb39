import { createServer } from 'node:http';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { createExampleApp } from '../../support/app.ts';
import { startListening } from '../../support/listening.ts';
import { until } from '../../support/until.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--disable-background-networking',
      '--no-first-run',
      // The effect of DNS rebinding: the name of another site resolves to this machine.
      '--host-resolver-rules=MAP evil.example 127.0.0.1',
    ],
  });
});

afterAll(() => browser?.close());

/** Opens a page of another site: another port of this machine. */
async function openOtherSite(t: TestContext) {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<title>another site</title>');
  });
  const { url: origin } = await startListening(t, server);
  const context = await browser.newContext();
  t.onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(origin);
  return { page, origin };
}

/** Sends a request that needs no preflight. It takes effect, although the page cannot read the response. */
async function treat(url: string): Promise<void> {
  await fetch(`${url}/pet/pets/1/treat`, { method: 'POST', mode: 'no-cors' }).catch(() => {});
}

test('a page of another site cannot change data, by fetch or by a form', async (t) => {
  const { page } = await openOtherSite(t);
  const { url, send, logs } = await createExampleApp(t);
  await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  const statuses = () =>
    logs
      .filter(({ msg, path }) => msg === 'request' && path === '/pet/pets/1/treat')
      .map(({ status }) => status);

  await page.evaluate(treat, url);
  await until(() => expect(statuses()).toEqual([403]));
  await page.setContent(`<form method="post" action="${url}/pet/pets/1/treat"><button>x</button></form>`);
  await page.click('button');
  await until(() => expect(statuses()).toEqual([403, 403]));
  expect((await send('GET', '/pet/pets/1')).body).toMatchObject({ mood: 'happy' });
});

test('a page of an origin in the config can change data', async (t) => {
  const { page, origin } = await openOtherSite(t);
  const { url, send } = await createExampleApp(t, { config: { origins: [origin] } });
  await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  const mood = await page.evaluate(async (address) => {
    const response = await fetch(`${address}/pet/pets/1/treat`, { method: 'POST' });
    return ((await response.json()) as { mood: string }).mood;
  }, url);
  expect(mood).toBe('excited');
});

test('a page with a rebound host name cannot read data', async (t) => {
  const { url } = await createExampleApp(t);
  const context = await browser.newContext();
  t.onTestFinished(() => context.close());
  const page = await context.newPage();
  const response = await page.goto(url.replace('127.0.0.1', 'evil.example'));
  expect(response?.status()).toBe(421);
  expect((await page.goto(url.replace('127.0.0.1', 'localhost')))?.status()).toBe(200);
});
