import { services as generated } from '#generated/services.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import type { Service } from '../service/define-service.ts';

/**
 * Functions that import one service each, by the name of the service. `generated/services.ts` imports those of
 * src/services.
 */
export type ServiceImports = Readonly<Record<string, () => Promise<{ readonly default: object }>>>;

/**
 * Imports services. Returns them by name, in the order of `imports`.
 * @throws {DefinitionError} if a service has a mistake that shows when it is imported.
 */
export async function loadServices(imports: ServiceImports = generated): Promise<Map<string, Service>> {
  const loaded = Object.entries(imports).map(async ([name, load]) => {
    const { default: service } = await load().catch((error) => {
      if (!(error instanceof DefinitionError)) throw error;
      throw new DefinitionError(`${name}: ${error.message}`, { cause: error });
    });
    const { name: defined } = Object(service) as Partial<Service>;
    if (defined !== name)
      throw new DefinitionError(
        defined === undefined
          ? `${name}: the default export of its index.ts is not a service: write "export default defineService({ … })"`
          : `${name}: its index.ts defines the service ${defined}: give the service the name of its folder`,
      );
    return [name, service as Service] as const;
  });
  return new Map(await Promise.all(loaded));
}
