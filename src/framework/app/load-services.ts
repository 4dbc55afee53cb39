import { services as imports } from '#generated/services.ts';
import type { Service } from '../service/define-service.ts';

/** Every service that there is, by name, in the order of the list. */
export async function loadServices(): Promise<Map<string, Service>> {
  const loaded = Object.entries(imports).map(async ([name, load]) => {
    const { default: service } = await load();
    return [name, service as unknown as Service] as const;
  });
  return new Map(await Promise.all(loaded));
}
