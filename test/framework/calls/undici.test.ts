import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { buildConnector, Client, errors, Pool } from '../../../src/framework/calls/undici.ts';

const require = createRequire(import.meta.url);

test.each([
  ['Client', Client, 'undici/lib/dispatcher/client.js'],
  ['Pool', Pool, 'undici/lib/dispatcher/pool.js'],
  ['buildConnector', buildConnector, 'undici/lib/core/connect.js'],
  ['errors', errors, 'undici/lib/core/errors.js'],
])(
  'undici has %s in a file that can be loaded alone; otherwise adapt calls/undici.ts',
  (name, loaded, path) => {
    expect(require(path)).toBe(require('undici')[name]);
    expect(loaded).toBe(require(path));
  },
);
