import { createRequire } from 'node:module';

/**
 * Loads values of `node:http` with `require`. An `import` would read every export of the module, and the export
 * `WebSocket` loads the fetch client of Node, which takes 4 % of the time to start.
 */
export const { createServer, METHODS, STATUS_CODES }: typeof import('node:http') = createRequire(
  import.meta.url,
)('node:http');
