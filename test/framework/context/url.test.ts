import { expect, test } from 'vitest';
import { pathOf } from '../../../src/framework/context/url.ts';

test.each([
  ['/pet/pets/', '/pet/pets/'],
  ['/pet/pets/?token=secret', '/pet/pets/'],
  ['/pet/pets/#part', '/pet/pets/'],
  ['/a#b?c', '/a'],
  ['/a?b#c', '/a'],
  ['?token=secret', ''],
  ['', ''],
])('the path of %j is %j', (url, path) => {
  expect(pathOf(url)).toBe(path);
});
