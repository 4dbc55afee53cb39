import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { reasonOf } from '../../../src/framework/errors/reason.ts';

const ownCause = new TypeError('endless');
ownCause.cause = ownCause;

test.for([
  [ownCause, 'TypeError'],
  [Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  [new TypeError('wrong'), 'TypeError'],
  // A DOMException has a number as its code.
  [new DOMException('late', 'TimeoutError'), 'TimeoutError'],
  ['text', 'string'],
  [
    new Error('no keys', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) }),
    'ECONNREFUSED',
  ],
  [new TypeError('wrong', { cause: new Error('inner') }), 'TypeError'],
] as const)('the reason for %s is %s', ([error, reason]) => {
  expect(reasonOf(error)).toBe(reason);
});

test('an entry of the level warn has a reason and no stack', () => {
  const withStack = globSync('src/**/*.ts').filter((file) =>
    /\.warn\(\s*\{(?:[^}]*,)?\s*err\s*[,:}]/.test(readFileSync(file, 'utf8')),
  );
  expect(withStack).toEqual([]);
});
