import type { TestContext } from 'vitest';
import { createTestIssuer, type TestIssuer, type TestUser } from '../../../src/framework/testing/index.ts';
import {
  createExampleApp,
  type ExampleAppOptions,
  type TestApp,
  type TestResponse,
} from '../../support/app.ts';

export interface SecuredApp extends TestApp {
  readonly issuer: TestIssuer;
  /** Sends a request with a token of the user. */
  sendAs(user: TestUser, method: string, path: string, body?: unknown): Promise<TestResponse>;
}

export const everything = ['pet:read', 'pet:write', 'user:read', 'user:write'];

/** Starts the example services with authentication by an issuer of the test. */
export async function createSecuredApp(t: TestContext, options: ExampleAppOptions = {}): Promise<SecuredApp> {
  const issuer = await createTestIssuer(t);
  const secured = { auth: { issuer: issuer.url }, internal: { key: 'a-key-of-the-test-apps' } };
  const built = await createExampleApp(t, { ...options, config: { ...secured, ...options.config } });
  return {
    ...built,
    issuer,
    sendAs: async (user, method, path, body) => built.send(method, path, body, await issuer.as(user)),
  };
}
