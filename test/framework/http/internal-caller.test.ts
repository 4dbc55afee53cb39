import { expect, test } from 'vitest';
import { createInternalCredential, generateSecret } from '../../../src/framework/http/internal-caller.ts';

test('generateSecret returns 24 random bytes, different each time', () => {
  expect(Buffer.from(generateSecret(), 'base64url')).toHaveLength(24);
  expect(generateSecret()).not.toBe(generateSecret());
});

test('the credential identifies a caller by its secret and kind', () => {
  const credential = createInternalCredential('a'.repeat(16));
  for (const caller of ['service', 'gateway'] as const) {
    expect(credential.read(credential.headers(caller))).toBe(caller);
    expect(createInternalCredential('b'.repeat(16)).read(credential.headers(caller))).toBeUndefined();
  }
});
