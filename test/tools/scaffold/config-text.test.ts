import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  addService,
  ConfigTextError,
  readNames,
  readText,
  removeService,
} from '../../../scripts/scaffold/config-text.ts';

const service = { name: 'toy', database: 'sqlite:data/toy.db', port: undefined };

const commented = `# The head of the file

log: { level: info } # short
services: # what each service is

  # Pets.
  pet:
    database: "sqlite:data/pet.db" # quoted

    # Options follow.
    options: { a: 1 }
  # Users.
  user: {}

  # After the last service.

apps: # what runs together
  gateway:
    port: 8000 # 0 takes a free one
    services: [pet, 'user'] # all

  # Others.
  worker: { port: 8001, services: [] } # none

# The end.
`;

test('a service is added to the first app, and every other byte stays', () => {
  const added = addService(commented, service);
  const expected = commented
    .replace('  user: {}\n', '  user: {}\n  toy:\n    database: sqlite:data/toy.db\n')
    .replace("[pet, 'user']", "[pet, 'user', toy]");
  expect(added).toBe(expected);
  expect(removeService(added, 'toy')).toBe(commented);
});

test('a service with a port gets a separate app after the last', () => {
  const added = addService(commented, { ...service, port: 8005 });
  const expected = commented
    .replace('  user: {}\n', '  user: {}\n  toy:\n    database: sqlite:data/toy.db\n')
    .replace(
      'services: [] } # none\n',
      (line) => `${line}  toy: { host: 127.0.0.1, port: 8005, services: [toy] }\n`,
    );
  expect(added).toBe(expected);
  expect(removeService(added, 'toy')).toBe(commented);
});

test('the first service and the last one leave the comment of their list in its line', () => {
  const bare = 'services: {} # what each service is\napps:\n  gateway: { port: 1, services: [] }\n';
  const added = addService(bare, service);
  expect(added).toContain('services: # what each service is\n  toy:\n    database: sqlite:data/toy.db\n');
  expect(removeService(added, 'toy')).toBe(bare);
});

describe('other forms of YAML', () => {
  test.for([
    [
      'a list in lines',
      'services:\n  pet: {}\napps:\n  gateway:\n    port: 1\n    services:\n      - pet # first\n',
    ],
    ['an empty list', 'services:\n  pet: {}\napps:\n  gateway: { port: 1, services: [] }\n'],
    ['no service', 'services: {}\napps:\n  gateway: { port: 1, services: [] }\n'],
    [
      'no line feed at the end',
      'apps:\n  gateway: { port: 1, services: [pet] }\nservices:\n  pet:\n    database: a',
    ],
    [
      'the list before other keys',
      'services:\n  pet: {}\napps:\n  gateway:\n    services: [pet]\n    port: 1\n',
    ],
  ])('%s', ([, text = '']) => {
    const before = parse(text);
    for (const port of [undefined, 8005]) {
      const added = addService(text, { ...service, port });
      const { services, apps } = parse(added);
      expect(services).toEqual({ ...before.services, toy: { database: 'sqlite:data/toy.db' } });
      const gateway = before.apps.gateway.services;
      expect(apps.gateway.services).toEqual(port === undefined ? [...gateway, 'toy'] : gateway);
      expect(apps.toy?.port).toBe(port);
      expect(parse(removeService(added, 'toy'))).toEqual(before);
    }
  });

  test.for([
    ['services: { pet: {} }\napps:\n  gateway: { services: [pet] }\n', 'one line for each service'],
    ['services:\n  pet: {}\n', 'the maps services and apps'],
    ['services:\n  pet: {}\napps:\n  gateway: { port: 1 }\n', 'a list apps.gateway.services'],
    ['services: [\n', ''],
  ])('%j is an error that says what was expected', ([text = '', message = '']) => {
    expect(() => addService(text, service)).toThrow(ConfigTextError);
    expect(() => addService(text, service)).toThrow(message);
  });
});

test('adding and then removing a service changes no byte, whatever the file has besides', () => {
  const comment = fc.constantFrom('', '\n', '  # a comment\n', '\n  # one: [two]\n\n');
  const name = fc.constantFrom('a', 'pet', 'user-data', 'toy-box', 'x1');
  const value = fc.constantFrom(
    '{}',
    '{ database: sqlite:a.db } # here',
    '\n    database: "a#b"',
    '\n    log: { level: info }\n',
  );
  const file = fc
    .record({
      services: fc.uniqueArray(fc.tuple(comment, name, value), { minLength: 1, selector: ([, key]) => key }),
      head: comment,
      tail: comment,
      end: fc.constantFrom('', '# end\n', '\n'),
      isBlock: fc.boolean(),
    })
    .map(({ services, head, tail, end, isBlock }) => {
      const names = services.map(([, key]) => key);
      const list = isBlock
        ? `\n${names.map((key) => `      - ${key}\n`).join('')}`
        : ` [${names.join(', ')}] # list\n`;
      const pairs = services.map(([before, key, text]) => `${before}  ${key}: ${text}\n`).join('');
      return `${head.trimStart()}services: # all\n${pairs}${tail}apps:\n  gateway:\n    port: 8000\n    services:${list}${end}`;
    });
  fc.assert(
    fc.property(file, fc.constantFrom(undefined, 8009), (text, port) => {
      const added = addService(text, { ...service, port });
      expect(readNames(added).services).toContain('toy');
      expect(removeService(added, 'toy')).toBe(text);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['auth: { issuer: auth } # the service', 'auth'],
  ['auth: false', undefined],
  ['log: {}', undefined],
])('the issuer of %j is %j', (text, issuer) => expect(readText(text, ['auth', 'issuer'])).toBe(issuer));
