import fc from 'fast-check';

/** Names that the files of a service could use for something else. */
const words = `
  name type text page note_2 toy kind status now order user date number boolean instant real value data subject
  event error process console url length to_string group index table from rowid body params query path first given
  app object symbol has_name of as async get set find list create update peers pets prepare orm one_of by_id
  result message test expect t describe start services response summary description created found ok created_at
  timestamp nullable undefined_value check primary references end all user_name`
  .trim()
  .split(/\s+/);

const range = fc.tuple(fc.nat(9), fc.nat(300)).map(([min, more]) => [min, min + more + 1] as const);
const type = fc.oneof(
  range.map(([min, max]) => `string(${min}..${max})`),
  range.map(([min, max]) => `integer(-${max}..${min})`),
  range.map(([min, max]) => `number(-${max}.5..${min}.25)`),
  fc.constantFrom('string', 'integer', 'number', 'boolean', 'instant', 'enum(a,b c,d-e)', 'pet.Pet'),
  fc.constantFrom('enum(one)', 'integer(5..5)', 'number(0.5..0.5)', 'string(0..3)', 'string(1..1)'),
  fc.constantFrom('enum(a,b)=b', 'number(-1..1)=0.1', 'boolean=true', 'boolean=false', 'string(0..3)=x'),
  fc.constantFrom('integer=-7', 'instant=1999-12-31T23:59:59.999999Z'),
);
const field = fc
  .tuple(fc.constantFrom(...words), type, fc.boolean())
  .map(([name, type, isNullable]) => [name, isNullable ? type.replace(/(=.*)?$/, '?$1') : type] as const);
const fields = fc.uniqueArray(field, { minLength: 1, maxLength: 12, selector: ([name]) => name });

/** Random values of `--fields`, each with random options of the command. */
export function createLists(seed: number, count: number): { fields: string; flags: string[] }[] {
  const list = fc.record({
    fields: fields.map((all) => all.map(([name, type]) => `${name}:${type}`).join(', ')),
    flags: fc.subarray(['--events', '--secured']),
  });
  return fc.sample(list, { seed, numRuns: count });
}
