/** Reads the options `--filter` and `--sort`: the fields that clients can filter and sort the list of a service by. */
import { UsageError } from '../../src/framework/app/arguments.ts';
import type { Field } from './fields.ts';

export interface ListFields {
  readonly filter: readonly Field[];
  readonly sort: readonly Field[];
}

/** The numbers that `listQuery` allows. */
const maxFilters = 5;
const maxSorts = 8;
/** The maximum length of a text that a cursor contains. */
const maxSortedLength = 200;

/** Types whose values are few, so that clients usually choose one. */
const chosen: ReadonlySet<string> = new Set(['enum', 'boolean', 'reference']);

/**
 * @param filter names of fields. Default: those with few values, and references.
 * @param sort names of fields. Default: the first text.
 * @throws {UsageError}
 */
export function parseListFields(
  fields: readonly Field[],
  { filter, sort }: { readonly filter?: string | undefined; readonly sort?: string | undefined },
): ListFields {
  const choices = fields.filter(({ type }) => chosen.has(type)).slice(0, maxFilters);
  const text = fields.filter((field) => field.type === 'string' && isSortable(field)).slice(0, 1);
  return {
    filter: filter === undefined ? choices : findFields('filter', filter, fields, maxFilters),
    sort: sort === undefined ? text : findFields('sort', sort, fields, maxSorts),
  };
}

function findFields(option: 'filter' | 'sort', text: string, fields: readonly Field[], max: number): Field[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.join() === '') return [];
  if (names.length > max)
    throw new UsageError(`Expected at most ${max} fields of --${option}, not ${names.length}`);
  if (new Set(names).size < names.length) throw new UsageError(`Expected each field of --${option} once`);
  return names.map((name) => {
    const field = fields.find((one) => one.name === name);
    if (field === undefined) {
      const known = fields.map((one) => one.name).join(', ');
      throw new UsageError(`Unknown field ${name || '""'} of --${option}: expected one of ${known}`);
    }
    if (option === 'filter' && field.type === 'instant')
      throw new UsageError(`Field ${name} of --filter: a list cannot be filtered by a point in time`);
    if (option === 'sort' && !isSortable(field))
      throw new UsageError(
        `Field ${name} of --sort: its texts may be longer than ${maxSortedLength} characters`,
      );
    return field;
  });
}

function isSortable(field: Field): boolean {
  return field.type !== 'string' || field.max <= maxSortedLength;
}
