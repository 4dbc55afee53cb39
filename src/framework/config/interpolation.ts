import { isScalar, parseDocument } from 'yaml';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Puts variables of the environment into the strings of a parsed YAML value: `${NAME}`, or `${NAME:-default}`,
 * which also stands in for an empty one, as in a shell. A string that has one is then read as a YAML scalar again.
 * @param fault makes the error for a `${NAME}` that is not set, or a value that cannot be read.
 */
export function expandVariables(
  value: unknown,
  environment: Environment,
  fault: (message: string) => Error,
): unknown {
  return expand(value, '', new Set());

  /** @param around the lists and maps that `value` is in. */
  function expand(value: unknown, place: string, around: ReadonlySet<unknown>): unknown {
    if (typeof value === 'string') return expandText(value, place, environment, fault);
    if (typeof value !== 'object' || value === null) return value;
    if (around.has(value)) throw fault(`${place}: the alias stands within what it names`);
    const within = new Set(around).add(value);
    const at = (key: string | number) => (place === '' ? String(key) : `${place}.${key}`);
    if (Array.isArray(value)) return value.map((item, index) => expand(item, at(index), within));
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, expand(item, at(key), within)]),
    );
  }
}

function expandText(
  text: string,
  place: string,
  environment: Environment,
  fault: (message: string) => Error,
): unknown {
  if (!text.includes('${')) return text;
  const expanded = text.replace(/\$\{([^}]*)\}/g, (whole, inside: string) => {
    const [, name, standIn] = /^([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inside) ?? [];
    if (name === undefined) throw fault(`${place}: ${whole} is not \${NAME} or \${NAME:-default}`);
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    const found = value || standIn || value;
    if (found === undefined && standIn === undefined)
      throw fault(`${place}: the variable ${name} is not set`);
    return found ?? '';
  });
  return readScalar(expanded);
}

/** The number, truth value, null or quoted text that YAML makes of a text; of anything else, the text itself. */
function readScalar(text: string): unknown {
  const { contents, errors } = parseDocument(text);
  if (contents === null && text.trim() === '') return null;
  const isWhole = errors.length === 0 && isScalar(contents) && contents.range?.[1] === text.trimEnd().length;
  if (!isWhole || contents.anchor !== undefined || contents.tag !== undefined) return text;
  const isText = typeof contents.value === 'string' && !contents.type?.startsWith('QUOTE');
  return isText ? text : contents.value;
}
