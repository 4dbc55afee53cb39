import { createRequire } from 'node:module';

type Undici = typeof import('undici');

const require = createRequire(import.meta.url);

/**
 * Loads a value of undici from its own file. The main file of undici also loads a fetch client, WebSocket, caches and
 * mocks, which takes five times as long (4 % of the time to start). The paths are private: if they change,
 * undici.test.ts fails, and this function loads the main file.
 */
function load<Name extends keyof Undici>(name: Name, path: string): Undici[Name] {
  try {
    return require(path);
  } catch {
    return (require('undici') as Undici)[name];
  }
}

export const Client = load('Client', 'undici/lib/dispatcher/client.js');
export const Pool = load('Pool', 'undici/lib/dispatcher/pool.js');
export const buildConnector = load('buildConnector', 'undici/lib/core/connect.js');
export const errors = load('errors', 'undici/lib/core/errors.js');

export type Client = InstanceType<Undici['Client']>;
export type Pool = InstanceType<Undici['Pool']>;
