import { type Contract, type Parameter, type Schema, typesOf } from './document.ts';

/**
 * Returns whether the strings of one parameter in a path, a query or a header are valid. Numbers are plain decimals
 * there; all else stays a string.
 */
export function isValidParameter(
  { resolve }: Contract,
  { schema, accepts }: Parameter,
  texts: readonly string[],
): boolean {
  if (typesOf(schema).includes('array')) {
    const item = resolve(schema.items ?? {});
    return accepts(texts.map((text) => readText(item, text)));
  }
  return texts.length === 1 && accepts(readText(schema, texts[0] as string));
}

function readText(schema: Schema, text: string): unknown {
  const types = typesOf(schema);
  if (types.includes('integer') && /^(0|-?[1-9]\d*)$/.test(text)) return Number(text);
  if (types.includes('number') && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) return Number(text);
  if (types.includes('boolean') && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}
