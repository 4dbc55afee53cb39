import { expect, test } from 'vitest';
import { reasonOf } from '../../../src/framework/errors/reason.ts';

test.for([
  [Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  [new TypeError('wrong'), 'TypeError'],
  // A DOMException has a number as its code.
  [new DOMException('late', 'TimeoutError'), 'TimeoutError'],
  ['text', 'string'],
] as const)('the reason for %s is %s', ([error, reason]) => {
  expect(reasonOf(error)).toBe(reason);
});
