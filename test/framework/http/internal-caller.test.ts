import { expect, test } from 'vitest';
import { createInternalCredential, generateSecret } from '../../../src/framework/http/internal-caller.ts';

test('a random key has 24 bytes, and is another one each time', () => {
  expect(Buffer.from(generateSecret(), 'base64url')).toHaveLength(24);
  expect(generateSecret()).not.toBe(generateSecret());
});

test('a caller is known by the key and by what it says it is', () => {
  const key = createInternalCredential('a'.repeat(16));
  for (const caller of ['service', 'gateway'] as const) {
    expect(key.read(key.headers(caller))).toBe(caller);
    expect(createInternalCredential('b'.repeat(16)).read(key.headers(caller))).toBeUndefined();
  }
});
