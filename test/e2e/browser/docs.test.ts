import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import pet from '../../../src/services/pet/index.ts';
import user from '../../../src/services/user/index.ts';
import { createExampleApp, type TestApp } from '../../support/app.ts';
import { authService } from '../../support/auth-service.ts';

interface Document {
  readonly info: { readonly title: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
}

const product = 'modular-monolith';
const rex = { name: 'Rex', species: 'dog', age: 3, mood: 'happy', id: 1 };
const alice = { name: 'Alice', id: 1, pets: [] };
/** The example of the auth service, so that the page sends it. */
const credentials = { email: 'alice@example.com', password: 'three brown kettles' };

let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // Turn off background activity: updates, synchronization, QUIC.
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
});

afterAll(() => browser?.close());

const addresses = [
  { path: '/docs', document: '/openapi.json', title: product },
  { path: '/docs/', document: '/openapi.json', title: product },
  { path: '/pet/docs', document: '/pet/openapi.json', title: 'pet' },
  { path: '/pet/docs/', document: '/pet/openapi.json', title: 'pet' },
  { path: '/user/docs', document: '/user/openapi.json', title: 'user' },
  { path: '/user/docs/', document: '/user/openapi.json', title: 'user' },
];

describe.each(addresses)('The page at $path', ({ path, document, title }) => {
  test('loads without an error and shows exactly the operations of its document', async (t) => {
    const built = await createExampleApp(t);
    const page = await open(t, built.url + path);
    expect(await page.title()).toBe(`${title} · API docs`);
    await expectDocument(page, built, document, title);
  });
});

test('The gateway’s page offers the merged document and each service’s, and shows the selected one', async (t) => {
  const built = await createExampleApp(t);
  const page = await open(t, `${built.url}/docs`);
  expect(await page.locator('#select option').allInnerTexts()).toEqual([product, 'pet', 'user']);
  await choose(page, 'pet');
  await expectDocument(page, built, '/pet/openapi.json', 'pet');
  await choose(page, 'user');
  await expectDocument(page, built, '/user/openapi.json', 'user');
  await choose(page, product);
  await expectDocument(page, built, '/openapi.json', product);
});

test('The selection on the gateway’s page survives a reload', async (t) => {
  const built = await createExampleApp(t);
  const page = await open(t, `${built.url}/docs/`);
  await choose(page, 'pet');
  await page.reload();
  await expectDocument(page, built, '/pet/openapi.json', 'pet');
});

test.for(['pet', 'user'])('The page of %s offers no other document', async (service, t) => {
  const { url } = await createExampleApp(t);
  const page = await open(t, `${url}/${service}/docs`);
  expect(await page.locator('.topbar input, .topbar select').filter({ visible: true }).count()).toBe(0);
  expect(await page.locator('#select option').allTextContents()).toEqual([service]);
});

test('A page loads with a query in its address', async (t) => {
  const built = await createExampleApp(t);
  const page = await open(t, `${built.url}/pet/docs?from=elsewhere`);
  await expectDocument(page, built, '/pet/openapi.json', 'pet');
});

test.for([
  { page: '/pet/docs', path: '/pet/docs', prefix: '' },
  { page: '/docs', path: '/docs', prefix: 'pet.' },
  { page: '/docs after pet is selected', path: '/docs', choice: 'pet', prefix: '' },
])('A pet is created and read through $page', async ({ path, choice, prefix }, t) => {
  const { url, send } = await createExampleApp(t);
  const page = await open(t, url + path);
  if (choice !== undefined) await choose(page, choice);

  const created = await execute(page, `${prefix}createPet`);
  expect(created).toMatchObject({ url: `${url}/pet/pets/`, method: 'POST', status: 200, body: rex });
  expect((await send('GET', '/pet/pets/1')).body).toEqual(created.body);

  const shown = await execute(page, `${prefix}readPet`);
  expect(shown).toEqual({ url: `${url}/pet/pets/1`, method: 'GET', status: 200, body: created.body });

  const listed = await execute(page, `${prefix}listPets`);
  expect(listed).toMatchObject({ status: 200, body: [created.body] });
});

test('A user is created, read, and adopts a pet through /user/docs', async (t) => {
  const { url, send } = await createExampleApp(t);
  const pet = (await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' })).body;
  const page = await open(t, `${url}/user/docs`);

  const created = await execute(page, 'createUser');
  expect(created).toEqual({ url: `${url}/user/users/`, method: 'POST', status: 200, body: alice });
  expect((await send('GET', '/user/users/1')).body).toEqual(alice);

  const shown = await execute(page, 'readUser');
  expect(shown).toEqual({ url: `${url}/user/users/1`, method: 'GET', status: 200, body: alice });

  const { body, ...adopted } = await execute(page, 'adoptPet');
  expect(adopted).toEqual({ url: `${url}/user/users/1/pets/1`, method: 'POST', status: 200 });
  expect(body).toEqual({ ...alice, pets: [pet] });
  expect((await send('GET', '/user/users/1')).body).toEqual(body);
});

test.skipIf(authService === undefined)(
  'A user logs in, authorizes the page, and calls a protected operation',
  async (t) => {
    const { url, post } = await createSecuredApp(t);
    expect((await post('/auth/users/', credentials)).status).toBe(200);
    const page = await open(t, `${url}/docs`, {
      expectedError: `${url}/pet/pets/?offset=0&limit=100&sort=id`,
    });
    expect(await execute(page, 'pet.listPets')).toMatchObject({ status: 401 });

    const { access_token: token } = (await execute(page, 'auth.logIn')).body as { access_token: string };
    await page.getByRole('button', { name: 'Authorize' }).first().click();
    const dialog = page.locator('.modal-ux');
    await dialog.locator('.auth-container', { hasText: 'bearer' }).first().locator('input').fill(token);
    await dialog.getByRole('button', { name: 'Apply credentials' }).first().click();
    await dialog.getByRole('button', { name: 'Close' }).first().click();

    const created = await execute(page, 'pet.createPet');
    expect(created).toMatchObject({ status: 200, body: rex });
  },
);

test('A link to an operation opens it', async (t) => {
  const { url } = await createExampleApp(t);
  const page = await open(t, `${url}/docs#/pet/pet.createPet`);
  await page.getByRole('button', { name: 'Execute' }).waitFor();
  expect(await page.locator('.opblock.is-open .opblock-summary-path').allInnerTexts()).toEqual([
    '/pet/pets/',
  ]);
});

describe('On a phone, 390 px wide,', () => {
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

  test.for(['/docs', '/pet/docs', '/user/docs/'])(
    '%s fits the screen, and its text is readable',
    async (path, t) => {
      const { url } = await createExampleApp(t);
      const page = await open(t, url + path, { context: phone });
      const prefix = path === '/docs' ? 'pet.' : '';
      const operation = path.startsWith('/user') ? 'updateUser' : `${prefix}createPet`;
      const block = findOperation(page, operation);
      await block.locator('.opblock-summary-control').click();
      await block.locator('.responses-table').first().waitFor();
      const { visible, content, texts } = await page.evaluate<Record<string, number> & { texts: number[] }>(
        `({
        visible: innerWidth,
        content: document.documentElement.scrollWidth,
        texts: [...document.querySelectorAll('h2, p, .opblock-summary-path, .opblock-summary-description, code')]
          .filter((element) => element.checkVisibility() && element.textContent !== '')
          .map((element) => Number.parseFloat(getComputedStyle(element).fontSize)),
      })`,
      );
      expect({ visible, content }).toEqual({ visible: 390, content: 390 });
      expect(texts.length).toBeGreaterThan(20);
      expect(Math.min(...texts)).toBeGreaterThanOrEqual(11);
      expect(await page.locator('meta[name=viewport]').count()).toBe(1);
    },
  );
});

test('Each error of an operation shows an example with its status', async (t) => {
  const { url } = await createExampleApp(t);
  const page = await open(t, `${url}/docs`);
  const block = findOperation(page, 'user.adoptPet');
  await block.locator('.opblock-summary-control').click();
  await block.locator('.responses-table .response').first().waitFor();
  const shown = await block.locator('.responses-table .response').evaluateAll((rows) =>
    rows.map((row) => ({
      code: row.getAttribute('data-code'),
      example: JSON.parse(row.querySelector('.example code, .highlight-code code')?.textContent ?? 'null'),
    })),
  );
  expect(shown.length).toBeGreaterThan(6);
  for (const { code, example } of shown.slice(1)) {
    expect(example, `${code}`).toMatchObject({ status: code === 'default' ? 500 : Number(code) });
    expect(Object.keys(example).length, `${code}`).toBeLessThanOrEqual(6);
  }
});

test('The page shows the name of the product as its logo, and lists the common operations last', async (t) => {
  const { url } = await createExampleApp(t);
  const page = await open(t, `${url}/docs`);
  const logo = await page.locator('.topbar .link img').getAttribute('src');
  expect(Buffer.from(`${logo}`.split(',')[1] as string, 'base64').toString()).toContain(`>${product}<`);
  const tags = await page
    .locator('.opblock-tag')
    .evaluateAll((all) => all.map((tag) => tag.getAttribute('data-tag')));
  expect(tags).toEqual(['pet', 'user', 'pet.service', 'user.service']);
});

test('The page shows an error response unchanged', async (t) => {
  const { url } = await createExampleApp(t);
  const page = await open(t, `${url}/pet/docs`, { expectedError: `${url}/pet/pets/1` });
  const { status, body } = await execute(page, 'readPet');
  expect(status).toBe(404);
  expect(body).toMatchObject({ status: 404, detail: 'Pet not found' });
});

/** Opens a page and waits for its operations. The test fails if the page has any error before it closes. */
async function open(
  t: TestContext,
  url: string,
  { expectedError, context: options = {} }: { expectedError?: string; context?: BrowserContextOptions } = {},
): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && message.location().url !== expectedError) errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('requestfailed', (request) => errors.push(`${request.url()} ${request.failure()?.errorText}`));
  page.on('response', (response) => {
    if (response.status() >= 400 && response.url() !== expectedError) {
      errors.push(`${response.url()} ${response.status()}`);
    }
  });
  t.onTestFinished(async () => {
    await context.close();
    expect(errors).toEqual([]);
  });
  await page.goto(url);
  await page.locator('.opblock').first().waitFor();
  return page;
}

async function expectDocument(page: Page, { send }: TestApp, path: string, title: string): Promise<void> {
  const document: Document = (await send('GET', path)).body;
  expect(document.info.title).toBe(title);
  await page.locator('.info .title', { hasText: new RegExp(`^${title}`) }).waitFor();
  await page.locator(`.info a[href$="${path}"]`, { hasText: path }).waitFor();
  await page.locator('.opblock').first().waitFor();
  expect(await page.locator('.errors-wrapper').count()).toBe(0);

  const shown = await page.locator('.opblock').all();
  const operations = await Promise.all(
    shown.map(async (block) => ({
      id: await block.getAttribute('id'),
      method: await block.locator('.opblock-summary-method').innerText(),
      path: await block.locator('.opblock-summary-path').getAttribute('data-path'),
    })),
  );
  const listed = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, ...operation })),
  );
  // The page lists them by the tags of the document.
  const expected = document.tags.flatMap((tag) =>
    listed
      .filter(({ tags }) => tags[0] === tag.name)
      .map(({ path, method, operationId, tags }) => ({
        id: `operations${idOf(`${tags[0]}`)}${idOf(operationId)}`,
        method: method.toUpperCase(),
        path,
      })),
  );
  expect(operations).toEqual(expected);
}

/** Returns the form of a name in the element ids of Swagger UI. */
function idOf(name: string): string {
  return `-${name.replaceAll('.', '\\.')}`;
}

/** Starts all services with authentication. */
function createSecuredApp(t: TestContext): Promise<TestApp> {
  const options = { register: 'open', scopes: ['pet:read', 'pet:write'] };
  const config = { auth: { issuer: 'auth' }, services: { auth: { options } } };
  return createExampleApp(t, { services: [authService as never, pet, user], config });
}

/** Selects a document on the gateway's page, and waits until it is shown. */
async function choose(page: Page, name: string): Promise<void> {
  await page.locator('#select').selectOption({ label: name });
  await page.locator('.info .title', { hasText: new RegExp(`^${name}`) }).waitFor();
  await page.locator('.opblock').first().waitFor();
}

/** Finds the block of an operation. */
function findOperation(page: Page, operationId: string) {
  return page.locator(`.opblock[id$=${JSON.stringify(idOf(operationId))}]`);
}

/** Opens an operation, sends it with its examples, and reads the response from the page. */
async function execute(page: Page, operationId: string) {
  const block = findOperation(page, operationId);
  await block.locator('.opblock-summary-control').click();
  const [request] = await Promise.all([
    page.waitForRequest((sent) => sent.resourceType() === 'fetch'),
    block.getByRole('button', { name: 'Execute' }).click(),
  ]);
  const response = block.locator('.live-responses-table .response');
  const status = await response.locator('.response-col_status').innerText();
  const body = await response.locator('.response-col_description .highlight-code code').first().innerText();
  expect(await block.locator('.request-url').innerText()).toContain(request.url());
  return {
    url: request.url(),
    method: request.method(),
    status: Number.parseInt(status, 10),
    body: JSON.parse(body) as unknown,
  };
}
