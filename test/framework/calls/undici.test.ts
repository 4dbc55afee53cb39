import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import * as loaded from '../../../src/framework/calls/undici.ts';

const require = createRequire(import.meta.url);

test.each([
  ['Client', 'undici/lib/dispatcher/client.js'],
  ['Pool', 'undici/lib/dispatcher/pool.js'],
  ['buildConnector', 'undici/lib/core/connect.js'],
  ['errors', 'undici/lib/core/errors.js'],
] as const)('undici has %s in %s; otherwise adapt calls/undici.ts', (name, path) => {
  expect(require('undici')[name]).toBe(require(path));
  expect(loaded[name]).toBe(require(path));
});
