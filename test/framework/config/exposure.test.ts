import { expect, test } from 'vitest';
import { isLoopback } from '../../../src/framework/config/exposure.ts';

test.for([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['::1', true],
  ['localhost', true],
  ['10.0.0.1', false],
  ['0.0.0.0', false],
  ['::', false],
  ['127.0.0.1.example.com', false],
  ['localhost.example.com', false],
] as const)('only this machine reaches the host %s: %s', ([host, expected]) => {
  expect(isLoopback(host)).toBe(expected);
});
