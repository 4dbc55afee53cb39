import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTestApp } from '../../src/framework/testing/index.ts';
import { makeFolder } from '../support/app.ts';
import report from './snippets/report.ts';

test('the service of the docs with files takes a file and sends it', async (t) => {
  const options = { file: join(makeFolder(t), 'report.csv') };
  const config = { services: { report: { options } } };
  const { get, put } = await createTestApp(t, { services: [report], config });
  const type = { 'content-type': 'text/csv' };
  expect((await put('/report/report', 'a,b', type)).status).toBe(204);
  expect((await put('/report/report', { a: 1 })).status).toBe(415);
  const { status, headers, body } = await get('/report/report');
  expect([status, headers.get('content-type'), body]).toEqual([200, 'text/csv', 'a,b']);
  const { paths } = (await get('/report/openapi.json')).body;
  expect(Object.keys(paths['/report'].get.responses[200].content)).toEqual(['text/csv']);
  expect(Object.keys(paths['/report'].put.responses)).toEqual(
    expect.arrayContaining(['204', '413', '415', '422']),
  );
});
