import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { describe, expect, type TestContext, test } from 'vitest';
import { ConfigError, checkConfig, readConfig } from '../../../src/framework/config/config.ts';
import { makeFolder } from '../../support/app.ts';
import {
  type Environment,
  gateway,
  mail,
  messageOf,
  read,
  senderOf,
  services,
  withApps,
  withMail,
} from './config-helpers.ts';

test('missing keys get their defaults', (t) => {
  const { file, limits, ...config } = read(t, `${withMail('{}')}`);
  expect(config).toEqual({
    log: { level: 'info' },
    calls: { deadline: 1000 },
    docs: true,
    origins: [],
    metrics: true,
    proxies: [],
    internal: {},
    services: { mail: { options: { retries: 3 } } },
    apps: { gateway: { host: '127.0.0.1', port: 1, instances: 1, services: ['mail'] } },
  });
  expect(file).toMatch(/\/config\.yaml$/);
  expect(limits).toEqual({
    body: 65_536,
    headers: 16_384,
    url: 8_192,
    parameter: 100,
    connections: 2_000,
    requests: 2_000,
    wait: 50,
    unread: 67_108_864,
    time: { headers: 5_000, request: 10_000, handler: 15_000, answer: 60_000, idle: 72_000 },
    calls: { connections: 32, answer: 16_777_216 },
    forwards: { connections: 64 },
  });
});

test('given values are kept', (t) => {
  const { log, calls, services, apps } = read(
    t,
    `
log: { level: warn }
calls: { deadline: 250 }
services:
  pet: { database: "sqlite::memory:" }
  user: { database: "sqlite::memory:", log: { level: debug } }
  mail: { log: { level: silent }, options: { retries: 0, server: { port: 25 } } }
apps:
  front: { host: 0.0.0.0, port: 80, services: [] }
  back: { host: "::", port: 0, instances: 4, url: "http://back.example:8080", services: [user, mail, pet] }
`,
  );
  expect(log).toEqual({ level: 'warn' });
  expect(calls).toEqual({ deadline: 250 });
  expect(services).toEqual({
    pet: { database: 'sqlite::memory:' },
    user: { database: 'sqlite::memory:', log: { level: 'debug' } },
    mail: { log: { level: 'silent' }, options: { retries: 0, server: { port: 25 } } },
  });
  expect(apps).toEqual({
    front: { host: '0.0.0.0', port: 80, instances: 1, services: [] },
    back: {
      host: '::',
      port: 0,
      instances: 4,
      url: 'http://back.example:8080',
      services: ['user', 'mail', 'pet'],
    },
  });
});

test('the apps have the order of the file, and the first app is the gateway', (t) => {
  const config = read(
    t,
    withApps(
      '{ zoo: { port: 1, services: [] }, user: { port: 2, services: [user] }, a: { port: 3, services: [pet] } }',
    ),
  );
  expect(Object.keys(config.apps)).toEqual(['zoo', 'user', 'a']);
});

test('port 0 is valid for the only app with services, and for a gateway without services', (t) => {
  expect(read(t, withApps('{ gateway: { port: 0, services: [pet, user] } }')).apps.gateway?.port).toBe(0);
  const split = '{ gateway: { port: 0, services: [] }, all: { port: 1, services: [pet, user] } }';
  expect(read(t, withApps(split)).apps.gateway?.port).toBe(0);
});

test('relative paths start at the folder of the config file', (t) => {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'etc'));
  const file = join(folder, 'etc', 'config.yaml');
  writeFileSync(
    file,
    `
log: { directory: ../logs }
services: { pet: { database: "sqlite:data/pet.db" }, user: { database: "sqlite:/var/lib/user.db" } }
apps: ${gateway}
`,
  );
  const config = readConfig(file, services, {});
  expect(config.log.directory).toBe(join(folder, 'logs'));
  expect(config.services.pet?.database).toBe(`sqlite:${join(folder, 'etc/data/pet.db')}`);
  expect(config.services.user?.database).toBe('sqlite:/var/lib/user.db');
});

test('the config is deeply frozen', (t) => {
  const config = read(t, withMail('{ options: { sender: { names: [a] } } }'));
  const isFrozen = (value: unknown): boolean =>
    typeof value !== 'object' ||
    value === null ||
    (Object.isFrozen(value) && Object.values(value).every(isFrozen));
  expect(isFrozen(config)).toBe(true);
});

test('the definition of a service is not frozen', (t) => {
  read(t, withMail('{}'));
  expect(Object.isFrozen(mail.options)).toBe(false);
});

describe('an environment variable', () => {
  const port = (t: TestContext, text: string, environment: Environment = {}) =>
    read(t, withApps(`{ gateway: { port: "${text}", services: [pet, user] } }`), environment).apps.gateway
      ?.port;
  const sender = (t: TestContext, text: string, environment: Environment = {}) =>
    senderOf(read(t, withMail(`{ options: { sender: '${text}' } }`), environment));

  test('becomes a number if its value is a number', (t) => {
    expect(port(t, '${PORT}', { PORT: '8080' })).toBe(8080);
    expect(port(t, '80${TENS}', { TENS: '90' })).toBe(8090);
  });

  test('gets its default if it is not set or empty', (t) => {
    expect(port(t, '${PORT:-8000}')).toBe(8000);
    expect(port(t, '${PORT:-8000}', { PORT: '' })).toBe(8000);
    expect(port(t, '${PORT:-8000}', { PORT: '1' })).toBe(1);
    expect(sender(t, '${A:-b:-c}')).toBe('b:-c');
  });

  test('is checked by the schema', (t) => {
    expect(messageOf(() => port(t, '${PORT}', { PORT: 'http' }))).toBe(
      'config.yaml: apps.gateway.port must be an integer from 0 to 65535',
    );
    expect(messageOf(() => port(t, '${PORT}', { PORT: '"8000"' }))).toBe(
      'config.yaml: apps.gateway.port must be an integer from 0 to 65535',
    );
  });

  test.for([
    ['7', 7],
    ['0.5', 0.5],
    ['-1', -1],
    ['true', true],
    ['false', false],
    ['null', null],
    ['', null],
    ['"7"', '7'],
    ["'true'", 'true'],
    ['plain', 'plain'],
    ['two words', 'two words'],
    ['http://host:80/', 'http://host:80/'],
  ])('is parsed as a YAML scalar: %j', ([sent, value], t) => {
    expect(sender(t, '${SENDER}', { SENDER: sent as string })).toBe(value);
  });

  test.for([
    'a # b',
    '#a',
    'a: b',
    'a:',
    '[a, b]',
    '{ a: b }',
    '- a',
    '"a',
    '*a',
    '@a',
    '%a',
    'a\nb: c',
    'a\nb',
    '&a b',
    '!a b',
    '!a',
    '|',
  ])('stays a string if it is no plain scalar: %j', (sent, t) => {
    expect(sender(t, '${SENDER}', { SENDER: sent })).toBe(sent);
  });

  test.for(['1234', '0123', '1e50', 'true', '-0.50'])(
    'stays a string if the schema needs one: %j',
    (PASSWORD, t) => {
      const text = `${withMail('{ options: { password: "${PASSWORD}" } }')}internal: { key: "\${KEY}" }`;
      const { services: configured, internal } = read(t, text, { PASSWORD, KEY: '12345678901234567890' });
      expect(configured.mail?.options?.password).toBe(PASSWORD);
      expect(internal.key).toBe('12345678901234567890');
    },
  );

  test('that stays a string is checked by the schema', (t) => {
    const text = withMail('{ options: { password: "${PASSWORD}" } }');
    expect(messageOf(() => read(t, text, { PASSWORD: '12' }))).toBe(
      'config.yaml: services.mail.options.password must NOT have fewer than 4 characters',
    );
    // A number of the file itself is a mistake.
    expect(messageOf(() => read(t, withMail('{ options: { password: 1234 } }')))).toBe(
      'config.yaml: services.mail.options.password must be string',
    );
  });

  test('may be any part of a string, several times', (t) => {
    const environment = { USER: 'a', HOST: 'b.example' };
    expect(sender(t, '<${USER}@${HOST}> of ${HOST}', environment)).toBe('<a@b.example> of b.example');
  });

  test('is expanded once: a variable in its value is not expanded', (t) => {
    expect(sender(t, '${A}', { A: '${B}', B: 'b' })).toBe('${B}');
  });

  test('cannot change the structure of the file', (t) => {
    const config = read(t, withMail('{ options: { sender: "${A}" } }'), { A: 'x }\napps: {}' });
    expect(senderOf(config)).toBe('x }\napps: {}');
    expect(Object.keys(config.apps)).toEqual(['gateway']);
  });

  test('is expanded only with braces', (t) => {
    expect(sender(t, '$HOME costs $5', { HOME: 'x' })).toBe('$HOME costs $5');
  });
});

test('an option may have a format', () => {
  const options = Type.Object({ url: Type.String({ format: 'uri' }) });
  const known = new Map([['mail', { name: 'mail', options }]]);
  const check = (url: string) =>
    checkConfig(
      { services: { mail: { options: { url } } }, apps: { gateway: { port: 1, services: ['mail'] } } },
      known,
      'config.yaml',
    );
  expect(check('https://a.example').services.mail?.options?.url).toBe('https://a.example');
  expect(messageOf(() => check('a b'))).toBe(
    'config.yaml: services.mail.options.url must match format "uri"',
  );
});

test('a schema of options that is not valid is one line', () => {
  const options = Type.Object({ sender: Type.String({ minLenght: 1 }) });
  const known = new Map([['mail', { name: 'mail', options }]]);
  const config = { services: { mail: {} }, apps: { gateway: { port: 1, services: ['mail'] } } };
  expect(() => checkConfig(config, known, 'config.yaml')).toThrow(
    new ConfigError(
      'config.yaml: services.mail.options has a schema that is not valid: strict mode: unknown keyword: "minLenght"',
    ),
  );
});
