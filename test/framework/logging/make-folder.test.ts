import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../../src/framework/logging/make-folder.ts';
import { makeFolder as makeTemporary } from '../../support/app.ts';

test('makes a folder and those above it, for its user alone, and leaves one that exists', (t) => {
  const root = makeTemporary(t);
  const path = join(root, 'a/b/c');
  makeFolder(path);
  makeFolder(path);
  for (const name of ['a', 'a/b', 'a/b/c']) expect(statSync(join(root, name)).mode & 0o777).toBe(0o700);
});

test('says what is in the way', (t) => {
  const file = join(makeTemporary(t), 'file');
  writeFileSync(file, '');
  expect(() => makeFolder(file)).toThrow('EEXIST');
  expect(() => makeFolder(join(file, 'a/b'))).toThrow('ENOTDIR');
});

// Node's own recursive mkdir never returns from this.
test.skipIf(!existsSync('/proc/self'))('returns where no folder can be made', () => {
  expect(() => makeFolder('/proc/x/y')).toThrow('ENOENT');
});
