import { isScalar, parseDocument } from 'yaml';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Expands environment variables in the strings of a parsed YAML value. `${NAME:-default}` uses the default if the variable
 * is not set or empty, as a shell does. An expanded string is parsed as a YAML scalar again. Also returns, by its path,
 * each expanded string that became a number or a boolean.
 * @param toError creates the error for a `${NAME}` that is not set, or for a malformed value.
 */
export function expandVariables(
  value: unknown,
  environment: Environment,
  toError: (message: string) => Error,
) {
  const texts = new Map<string, string>();
  return { value: expand(value, '', new Set()), texts };

  /** @param ancestors the lists and maps that contain `value`. */
  function expand(value: unknown, path: string, ancestors: ReadonlySet<unknown>): unknown {
    const fail = (message: string): never => {
      throw toError(`${path}: ${message}`);
    };
    if (typeof value === 'string') {
      const text = replaceVariables(value, environment, fail);
      if (text === value) return value;
      const parsed = parseScalar(text);
      if (typeof parsed === 'number' || typeof parsed === 'boolean') texts.set(path, text);
      return parsed;
    }
    if (typeof value !== 'object' || value === null) return value;
    if (ancestors.has(value)) fail('the alias is inside the value that it refers to');
    const within = new Set(ancestors).add(value);
    const at = (key: string | number) => (path === '' ? String(key) : `${path}.${key}`);
    if (Array.isArray(value)) return value.map((item, index) => expand(item, at(index), within));
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, expand(item, at(key), within)]),
    );
  }
}

function replaceVariables(text: string, environment: Environment, fail: (message: string) => never): string {
  return text.replace(/\$\{([^}]*)\}/g, (match, inside: string) => {
    const [, name, fallback] = /^([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inside) ?? [];
    if (name === undefined) return fail(`${match} is not \${NAME} or \${NAME:-default}`);
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    return (value || fallback) ?? value ?? fail(`the variable ${name} is not set`);
  });
}

/** Returns the number, boolean, null or quoted string that YAML reads in a string; otherwise the string itself. */
function parseScalar(text: string): unknown {
  const { contents, errors } = parseDocument(text);
  if (contents === null && text.trim() === '') return null;
  const isComplete =
    errors.length === 0 && isScalar(contents) && contents.range?.[1] === text.trimEnd().length;
  if (!isComplete || contents.anchor !== undefined || contents.tag !== undefined) return text;
  const isUnquoted = typeof contents.value === 'string' && !contents.type?.startsWith('QUOTE');
  return isUnquoted ? text : contents.value;
}
