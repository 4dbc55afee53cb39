import { expect, test } from 'vitest';
import { InsufficientStorage } from '../../../src/framework/errors/problem.ts';

test('a 507 response has Retry-After', () => {
  expect(new InsufficientStorage('full').headers).toEqual({ 'retry-after': '10' });
});
