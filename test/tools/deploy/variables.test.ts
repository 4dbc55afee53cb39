import { expect, test } from 'vitest';
import { listReferences, listVariables } from '../../../scripts/deploy/references.ts';

test('a variable is optional only if each of its references has a default', () => {
  const references = listReferences({ a: '${ONE:-1} ${TWO:-2}', b: ['${TWO}'], c: { d: '${ONE:-}' } });
  expect(listVariables(references)).toEqual([
    { name: 'ONE', isOptional: true },
    { name: 'TWO', isOptional: false },
  ]);
});
