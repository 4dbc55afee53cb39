import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { expect, type TestContext } from 'vitest';
import { type Config, ConfigError, readConfig } from '../../../src/framework/config/config.ts';
import { defineService, type Service } from '../../../src/framework/service/define-service.ts';
import pet from '../../../src/services/pet/index.ts';
import user from '../../../src/services/user/index.ts';
import { makeFolder } from '../../support/app.ts';

/** A service without a database and with options, which the product does not have. */
export const mail = defineService({
  name: 'mail',
  description: 'Sends mail.',
  options: Type.Object({
    retries: Type.Integer({ default: 3 }),
    sender: Type.Optional(Type.Unknown()),
    server: Type.Optional(Type.Object({ port: Type.Integer() })),
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

/** The message of the one error that `fn` must throw. */
export function messageOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('nothing was thrown');
}

export const both = `
services:
  pet: { database: sqlite:pet.db }
  user: { database: sqlite:user.db }
`;

export const gateway = '{ gateway: { port: 8000, services: [pet, user] } }';

/** The services as they should be, and these apps. */
export const apps = (map: string) => `${both}apps: ${map}\n`;

/** The apps as they should be, and these services. */
export const ofServices = (map: string) => `services: ${map}\napps: ${gateway}\n`;

/** All is right, and this more. */
export const and = (more: string) => `${apps(gateway)}${more}\n`;

/** Only the mail service, with this. */
export const ofMail = (map: string) =>
  `services: { mail: ${map} }\napps: { gateway: { port: 1, services: [mail] } }\n`;

/** The sender in the options of the mail service: a value of any kind. */
export const senderOf = (config: Config) => config.services.mail?.options?.sender;
