import { type TObject, Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { createExampleOptions } from '../../scripts/lib/example-options.ts';
import { defineService, type Service } from '../../src/framework/service/define-service.ts';

function defineMail(options: TObject): Service {
  return defineService({ name: 'mail', description: 'Sends mail.', options, routes() {} }) as Service;
}

test('an option has its default, its first example, or the simplest value of its type', () => {
  const options = Type.Object({
    everyMs: Type.Integer({ minimum: 1_000, default: 60_000 }),
    url: Type.String({ pattern: '^https://', examples: ['https://mail.example', 'https://b.example'] }),
    retries: Type.Integer({ minimum: 2 }),
    mode: Type.Union([Type.Literal('fast'), Type.Literal('safe')]),
    server: Type.Object({ origin: Type.String({ format: 'uri', examples: ['https://mail.example'] }) }),
    reply: Type.Optional(Type.String({ pattern: '^.+@.+$' })),
  });
  expect(createExampleOptions(defineMail(options))).toEqual({
    everyMs: 60_000,
    url: 'https://mail.example',
    retries: 2,
    mode: 'fast',
    server: { origin: 'https://mail.example' },
  });
  expect(createExampleOptions(defineMail(Type.Object({})))).toEqual({});
});

test.each([
  ['a pattern', 'url', { url: Type.String({ pattern: '^https://' }) }],
  ['a format in a map', 'server.origin', { server: Type.Object({ origin: Type.String({ format: 'uri' }) }) }],
  ['an exclusive minimum', 'retries', { retries: Type.Integer({ exclusiveMinimum: 5 }) }],
])('an option with %s and without an example is one line with the fix', (_, path, options) => {
  expect(() => createExampleOptions(defineMail(Type.Object(options)))).toThrow(
    `mail: generate needs a value for the option ${path}: add examples or a default to its schema`,
  );
});
