import { expect, test } from 'vitest';
import { makeKey, openKey } from '../../../src/framework/http/internal-caller.ts';

test('a random key has 24 bytes, and is another one each time', () => {
  expect(Buffer.from(makeKey(), 'base64url')).toHaveLength(24);
  expect(makeKey()).not.toBe(makeKey());
});

test('a caller is known by the key and by what it says it is', () => {
  const key = openKey('a'.repeat(16));
  for (const caller of ['service', 'gateway'] as const) {
    expect(key.read(key.headers(caller))).toBe(caller);
    expect(openKey('b'.repeat(16)).read(key.headers(caller))).toBeUndefined();
  }
});
