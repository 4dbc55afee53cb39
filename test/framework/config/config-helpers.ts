import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { expect, type TestContext, test } from 'vitest';
import { type Config, ConfigError, readConfig } from '../../../src/framework/config/config.ts';
import { defineService, type Service } from '../../../src/framework/service/define-service.ts';
import pet from '../../../src/services/pet/index.ts';
import user from '../../../src/services/user/index.ts';
import { makeFolder } from '../../support/app.ts';

/** A service without a database and with options. The product has no such service. */
export const mail = defineService({
  name: 'mail',
  description: 'Sends mail.',
  options: Type.Object({
    retries: Type.Integer({ default: 3 }),
    sender: Type.Optional(Type.Unknown()),
    server: Type.Optional(Type.Object({ port: Type.Integer() })),
    password: Type.Optional(Type.String({ minLength: 4 })),
    mode: Type.Optional(Type.Union([Type.Literal('fast'), Type.Literal('safe'), Type.Literal(1)])),
  }),
  routes() {},
});

export const services = new Map<string, Service>([
  ['pet', pet],
  ['user', user],
  ['mail', mail as unknown as Service],
]);

export type Environment = Record<string, string | undefined>;

export function read(t: TestContext, text: string, environment: Environment = {}): Config {
  const file = join(makeFolder(t), 'config.yaml');
  writeFileSync(file, text);
  return readConfig(file, services, environment);
}

/** Returns the message of the `ConfigError` that `fn` must throw. */
export function messageOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('Expected a ConfigError');
}

/** A valid `services`. */
export const validServices = `
services:
  pet: { database: sqlite:pet.db }
  user: { database: sqlite:user.db }
`;

export const gateway = '{ gateway: { port: 8000, services: [pet, user] } }';

/** Creates a config with these apps and valid services. */
export const withApps = (map: string) => `${validServices}apps: ${map}\n`;

/** Creates a config with these services and valid apps. */
export const withServices = (map: string) => `services: ${map}\napps: ${gateway}\n`;

/** Creates a valid config with further keys. */
export const withKeys = (more: string) => `${withApps(gateway)}${more}\n`;

/** Creates a config with only the mail service. */
export const withMail = (map: string) =>
  `services: { mail: ${map} }\napps: { gateway: { port: 1, services: [mail] } }\n`;

/** Returns the sender in the options of the mail service: a value of any kind. */
export const senderOf = (config: Config) => config.services.mail?.options?.sender;

/** Tests that each text is rejected with its message. */
export function testMistakes(
  mistakes: Readonly<Record<string, readonly [text: string, message: string]>>,
): void {
  for (const [name, [text, message]] of Object.entries(mistakes)) {
    test(name, (t) => {
      expect(messageOf(() => read(t, text))).toBe(`config.yaml: ${message}`);
    });
  }
}
