import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import generated from '../../generated/openapi.json' with { type: 'json' };
import { selectServices } from '../../src/framework/openapi/merge.ts';
import type { OpenApiDocument } from '../../src/framework/openapi/response-contract.ts';
import type { Service } from '../../src/framework/service/define-service.ts';
import { createTestApp, type TestApp, type TestAppOptions } from '../../src/framework/testing/index.ts';
import type { TestLifetime } from '../../src/framework/testing/test-app.ts';
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

/** The services that exist: an owner may delete `user`, and the tests of `pet` still run. */
const examples: Service[] = [];
for (const name of ['pet', 'user']) {
  const file = new URL(`../../src/services/${name}/index.ts`, import.meta.url);
  if (existsSync(file)) examples.push((await import(file.href)).default);
}

export type ExampleAppOptions = Partial<TestAppOptions>;

/** Starts an app with the example services, unless the options name others. */
export function createExampleApp(t: TestLifetime, options: ExampleAppOptions = {}): Promise<TestApp> {
  return createTestApp(t, { services: examples, ...options });
}

/** Creates a folder that is deleted when the test ends. */
export function makeFolder(t: TestContext): string {
  assertRunning(t, 'create a folder');
  const folder = mkdtempSync(join(tmpdir(), 'monolith-'));
  t.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
