import { createRequire } from 'node:module';

/**
 * Values of `node:http`. An `import` of that module by value creates its ES module, which reads every export, also
 * `WebSocket`, and so loads the fetch client inside Node: 4 % of the time to start.
 */
export const { createServer, METHODS, STATUS_CODES }: typeof import('node:http') = createRequire(
  import.meta.url,
)('node:http');
