import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../../src/framework/logging/make-folder.ts';
import { makeFolder as makeTemporary } from '../../support/app.ts';

test('makeFolder creates a folder and its parents, readable only by this user, and accepts an existing folder', (t) => {
  const root = makeTemporary(t);
  const path = join(root, 'a/b/c');
  makeFolder(path);
  makeFolder(path);
  for (const name of ['a', 'a/b', 'a/b/c']) expect(statSync(join(root, name)).mode & 0o777).toBe(0o700);
});

test('makeFolder names the reason if a file has the path', (t) => {
  const file = join(makeTemporary(t), 'file');
  writeFileSync(file, '');
  expect(() => makeFolder(file)).toThrow('EEXIST');
  expect(() => makeFolder(join(file, 'a/b'))).toThrow('ENOTDIR');
});

// The recursive mkdir of Node never returns here.
test.skipIf(!existsSync('/proc/self'))(
  'makeFolder throws in a file system that allows no new folders',
  () => {
    expect(() => makeFolder('/proc/x/y')).toThrow('ENOENT');
  },
);
