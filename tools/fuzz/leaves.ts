import fc from 'fast-check';
import type { Schema, Validator } from './document.ts';
import { oddTexts } from './odd.ts';

const formatted: Readonly<Record<string, () => fc.Arbitrary<string>>> = {
  'date-time': () => fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  date: () => fc.date({ noInvalidDate: true }).map((date) => date.toISOString().slice(0, 10)),
  uuid: () => fc.uuid(),
  email: () => fc.emailAddress(),
  uri: () => fc.webUrl(),
  ipv4: () => fc.ipV4(),
  ipv6: () => fc.ipV6(),
};

/** Generates valid numbers: the complete range, and its ends. Integers are those that a number holds exactly. */
export function numbers(type: string, schema: Schema, accepts: Validator): fc.Arbitrary<number> {
  const lowest = Math.max(schema.minimum ?? -Number.MAX_VALUE, schema.exclusiveMinimum ?? -Infinity);
  const highest = Math.min(schema.maximum ?? Number.MAX_VALUE, schema.exclusiveMaximum ?? Infinity);
  const smallest = Math.ceil(Math.max(lowest, -Number.MAX_SAFE_INTEGER));
  const largest = Math.floor(Math.min(highest, Number.MAX_SAFE_INTEGER));
  const whole = () => {
    const far = fc.bigInt({ min: BigInt(smallest), max: BigInt(largest) }).map(Number);
    const ends = fc.constantFrom(smallest, largest);
    return fc.oneof({ weight: 9, arbitrary: far }, { weight: 1, arbitrary: ends });
  };
  if (type === 'integer') return whole().filter(accepts);
  const any = fc.double({ min: lowest, max: highest, noNaN: true });
  // A range such as 0.1 to 0.9 has no whole number.
  return (smallest > largest ? any : fc.oneof(whole(), any)).filter(accepts);
}

/** Generates valid strings: all characters, the shortest and longest ones, unusual ones, and those of the format. */
export function texts(schema: Schema, accepts: Validator): fc.Arbitrary<string> {
  const { minLength = 0, maxLength = Math.max(minLength, 300), format, pattern, examples = [] } = schema;
  const made: fc.Arbitrary<string>[] = [
    fc.string({ minLength, maxLength }),
    fc.string({ unit: 'binary', minLength, maxLength }),
    fc.constantFrom(minLength, maxLength).map((length) => '😀'.repeat(length)),
    fc.constantFrom(...oddTexts),
  ];
  // Random strings would almost never have the format.
  const form = format === undefined ? undefined : formatted[format];
  if (form !== undefined) made.splice(0, made.length, form());
  const known = examples.filter((one): one is string => typeof one === 'string' && accepts(one));
  if (known.length > 0) made.push(fc.constantFrom(...known));
  if (pattern !== undefined) made.push(fc.stringMatching(new RegExp(pattern, 'u')));
  return fc.oneof(...made).filter(accepts);
}
