import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { findConfigError } from '../../src/framework/config/find-error.ts';
import type { Service } from '../../src/framework/service/define-service.ts';
import { CommandError } from './command.ts';

/**
 * Creates options of a service, because its routes may read them while they are described. An option has its default, its
 * first example, or the simplest value of its type.
 * @throws {CommandError} if an option has none of them.
 */
export function createExampleOptions({ name, options }: Service): unknown {
  return options && createExample(options, []);

  function createExample(schema: TSchema, path: readonly string[]): unknown {
    const { default: preset, examples, properties, required = [] } = schema;
    const example = preset ?? (Array.isArray(examples) ? examples[0] : undefined);
    if (example !== undefined) return structuredClone(example);
    if (properties !== undefined)
      return Object.fromEntries(
        required.map((key: string) => [key, createExample(properties[key], [...path, key])]),
      );
    const value = createSimplest(schema);
    if (value !== undefined && findConfigError(schema, value) === undefined) return value;
    const option = path.join('.');
    throw new CommandError(
      `${name}: generate needs a value for the option ${option}: add examples or a default to its schema`,
    );
  }
}

function createSimplest(schema: TSchema): unknown {
  try {
    return Value.Create(schema);
  } catch {
    // TypeBox creates no value for a pattern or a format.
    return undefined;
  }
}
