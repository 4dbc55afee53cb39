/** The public API for tests: starts apps with services, sends requests, and collects log entries. */
export type { LogEntry } from './captured-log.ts';
export type { TestResponse } from './send-request.ts';
export {
  createSplitApps,
  createTestApp,
  type SplitApps,
  type TestApp,
  type TestAppOptions,
} from './test-app.ts';
export { createTestIssuer, type TestIssuer, type TestUser } from './test-issuer.ts';
