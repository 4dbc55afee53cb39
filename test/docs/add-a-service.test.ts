import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../e2e/process/helper.ts';
import { listBlocks } from './blocks.ts';
import { openProjectSession } from './project.ts';

const client = `import { lookupByIds, type ServiceContext } from '#framework';
import type { paths } from '#generated/api.d.ts';

/** Finds pets by their ids. Lookups at the same time share calls; each response is checked against the contract. */
export function createPetClient(neighbour: ServiceContext['neighbour']) {
  const listPets = neighbour<paths>('pet').operation('get', '/pet/pets/', { sends: ['ids'] });
  return lookupByIds(listPets, {
    parameter: 'ids',
    ask: (ids) => ({ params: { query: { ids } } }),
    idOf: (pet) => pet.id,
  });
}
`;

test('a service and a client pass the check; elsewhere the check says why not', {
  timeout: 300_000,
}, async (t) => {
  const session = await openProjectSession(t);
  for (const block of listBlocks('README.md').filter(({ files }) => files.length > 0))
    await session.work(block);
  const folder = join(session.folder, 'src/services/toy');
  writeFileSync(join(folder, 'pet-client.ts'), client);
  const execute = async (command: string) => {
    const running = run(t, join(session.folder, 'run.sh'), [command]);
    return { ...(await running.ended), output: running.output() };
  };
  expect(await execute('generate')).toMatchObject({ code: 0 });
  expect(readFileSync(join(session.folder, 'generated/api.d.ts'), 'utf8')).toContain('"toy.listToys"');
  const right = await execute('check');
  expect(right.output).toContain('generated/toy/openapi.json: validated');
  expect(right.code).toBe(0);

  writeFileSync(join(folder, 'pets.ts'), client);
  const wrong = await execute('check');
  expect(wrong.output).toContain('contract-as-types-in-clients-only');
  // The reason of the rule, which depcruise wraps.
  expect(wrong.output).toMatch(/sees the types of its neighbours[\s\S]*calls them/);
  expect(wrong.code).toBe(1);
});
