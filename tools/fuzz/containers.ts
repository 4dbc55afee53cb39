import fc from 'fast-check';
import type { Schema } from './document.ts';
import { oddKeys } from './odd.ts';

/**
 * Generates valid arrays of these items. `usual`: mostly short arrays, and some of the maximum length. `minimum` and
 * `maximum`: all have this length.
 */
export function arrays(
  { minItems = 0, maxItems = 1_000, uniqueItems }: Schema,
  item: fc.Arbitrary<unknown>,
  length: 'usual' | 'minimum' | 'maximum',
): fc.Arbitrary<unknown[]> {
  const longestLength = Math.max(minItems, maxItems);
  // There may be fewer different values than the maximum number of items.
  const longest = uniqueItems
    ? fc.uniqueArray(item, { minLength: minItems, maxLength: longestLength, size: 'max' })
    : fc.array(item, { minLength: longestLength, maxLength: longestLength, size: 'max' });
  // With bias, the items would be few values at the ends of their range.
  if (length === 'maximum') return fc.noBias(longest);
  if (length === 'minimum') return fc.array(item, { minLength: minItems, maxLength: minItems });
  const bounds = { minLength: minItems, maxLength: Math.min(longestLength, minItems + 12) };
  const usual = uniqueItems ? fc.uniqueArray(item, bounds) : fc.array(item, bounds);
  return fc.oneof({ weight: 19, arbitrary: usual }, { weight: 1, arbitrary: longest });
}

/** Generates valid objects of these properties. With `hasOddKeys`, some have other properties before them. */
export function objects(
  { required = [] }: Schema,
  values: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  hasOddKeys: boolean,
): fc.Arbitrary<unknown> {
  const requiredKeys = required.filter((key) => key in values);
  const own = fc.record(values, { requiredKeys }) as fc.Arbitrary<Record<string, unknown>>;
  if (!hasOddKeys) return own;
  const keys = fc.oneof(fc.constantFrom(...oddKeys), fc.string()).filter((key) => !(key in values));
  const more = fc.array(fc.tuple(keys, fc.jsonValue({ maxDepth: 2 })), { maxLength: 3 });
  const odd = fc
    .tuple(more, own)
    .map(([added, value]) => Object.fromEntries([...added, ...Object.entries(value)]));
  return fc.oneof({ weight: 4, arbitrary: own }, { weight: 1, arbitrary: odd });
}
