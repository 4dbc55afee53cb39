import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import generated from '../../generated/openapi.json' with { type: 'json' };
import { selectServices } from '../../src/framework/openapi/merge.ts';
import type { OpenApiDocument } from '../../src/framework/openapi/response-contract.ts';
import { createTestApp, type TestApp, type TestAppOptions } from '../../src/framework/testing/index.ts';
import type { TestLifetime } from '../../src/framework/testing/test-app.ts';
import pet from '../../src/services/pet/index.ts';
import user from '../../src/services/user/index.ts';
import { assertRunning } from './process-guard.ts';

export { captureLog, type LogEntry } from '../../src/framework/testing/captured-log.ts';
export { createTestApp, type TestApp, type TestAppOptions } from '../../src/framework/testing/index.ts';
export { findFreePort } from '../../src/framework/testing/layout.ts';
export { sendRequest, type TestResponse } from '../../src/framework/testing/send-request.ts';
/** The merged document of the example services. A product may have other services too. */
export const contract = selectServices(generated as unknown as OpenApiDocument, [
  'pet',
  'user',
]) as unknown as typeof generated;

export type ExampleAppOptions = Partial<TestAppOptions>;

/** Starts an app with the example services, unless the options name others. */
export function createExampleApp(t: TestLifetime, options: ExampleAppOptions = {}): Promise<TestApp> {
  return createTestApp(t, { services: [pet, user], ...options });
}

/** Creates a folder that is deleted when the test ends. */
export function makeFolder(t: TestContext): string {
  assertRunning(t, 'create a folder');
  const folder = mkdtempSync(join(tmpdir(), 'monolith-'));
  t.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
