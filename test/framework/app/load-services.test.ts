import { expect, test } from 'vitest';
import { loadServices } from '../../../src/framework/app/load-services.ts';
import { listQuery } from '../../../src/framework/database/list-query.ts';
import { DefinitionError } from '../../../src/framework/errors/definition-error.ts';
import { Pet } from '../../../src/services/pet/schemas.ts';

test('a mistake in a definition names the service; any other error stays as it is', async () => {
  const mistaken = async () => ({ default: listQuery(Pet, { filter: ['last_fed'] }) });
  const loading = loadServices({ shop: mistaken });
  await expect(loading).rejects.toThrow(DefinitionError);
  await expect(loading).rejects.toThrow(/^shop: a list cannot be filtered by last_fed: /);
  const defect = new TypeError('a defect');
  await expect(loadServices({ shop: () => Promise.reject(defect) })).rejects.toBe(defect);
});

test('a service has the name of its folder', async () => {
  const load = (service: unknown) => loadServices({ shop: async () => ({ default: service as object }) });
  await expect(load({ name: 'shops' })).rejects.toThrow(
    'shop: its index.ts defines the service shops: give the service the name of its folder',
  );
  await expect(load(undefined)).rejects.toThrow(
    'shop: the default export of its index.ts is not a service: write "export default defineService({ … })"',
  );
});
