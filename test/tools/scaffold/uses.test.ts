import { expect, test } from 'vitest';
import { findPeers, findUses } from '../../../scripts/scaffold/uses.ts';
import { hasOwnReadme } from '../../docs/blocks.ts';

test.skipIf(!hasOwnReadme)('a service that names another in its peers uses it, on that line', () => {
  expect(findUses('pet', ['auth', 'pet', 'user'])).toEqual([
    expect.stringMatching(/^src\/services\/user\/index\.ts:\d+$/),
  ]);
  expect(findUses('user', ['auth', 'pet', 'user'])).toEqual([]);
});

test('a list of peers may have several lines', () => {
  const text = "defineService({\n  name: 'toy',\n  peers: [\n    'user',\n    'pet',\n  ],\n});\n";
  expect(findPeers(text, 'pet')).toEqual([5]);
  expect(findPeers(text, 'user')).toEqual([4]);
  expect(findPeers(text, 'use')).toEqual([]);
  expect(findPeers("// pet\nname: 'pet', peers: []", 'pet')).toEqual([]);
});
