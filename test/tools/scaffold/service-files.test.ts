import { expect, test } from 'vitest';
import { parseFields } from '../../../scripts/scaffold/fields.ts';
import { parseListFields } from '../../../scripts/scaffold/lists.ts';
import { deriveNames } from '../../../scripts/scaffold/names.ts';
import { writeServiceFiles } from '../../../scripts/scaffold/service-files.ts';

/** Returns the test of a new service. */
function writeTestOf(name: string, list: string, testedWith: readonly string[] = []): string {
  const fields = parseFields(list);
  const parts = { fields, lists: parseListFields(fields, {}), peers: [], fixtures: [] };
  const plan = { names: deriveNames(name), ...parts, hasEvents: false, isSecured: false };
  return writeServiceFiles(plan, testedWith).get(`test/services/${name}/${name}.test.ts`) ?? '';
}

test('the test of a service imports it by a name that the test does not use otherwise', () => {
  const text = writeTestOf('test', 'name:string', ['path', 'pet']);
  const imported = [...text.matchAll(/^import (\w+) from/gm)].map(([, variable]) => variable);
  expect(imported).toEqual(['pathService', 'pet', 'testService']);
  expect(text).toContain('services: [pathService, pet, testService]');
});

test('another value of a text ends with a complete character removed', () => {
  expect(writeTestOf('toy', 'name:string=bear 🐻')).toContain(`[{ name: 'bear X' }]`);
});
