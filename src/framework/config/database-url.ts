/** A database URL of the config, parsed. Its dialect says which module opens it. */
export interface DatabaseUrl {
  readonly dialect: 'sqlite';
  /** A path, or `:memory:`. */
  readonly file: string;
}

/** The path of a database in memory. */
export const inMemory = ':memory:';

const scheme = 'sqlite:';

/** Parses `sqlite:` and a path, or `sqlite::memory:`. */
export function parseDatabaseUrl(url: string): DatabaseUrl {
  if (!url.startsWith(scheme)) throw new TypeError(`Expected a database URL that starts with ${scheme}`);
  return { dialect: 'sqlite', file: url.slice(scheme.length) };
}

/** The file of a database. Undefined for a database in memory, and for no database. */
export function sqliteFile(url: string | undefined): string | undefined {
  const file = url === undefined ? inMemory : parseDatabaseUrl(url).file;
  return file === inMemory ? undefined : file;
}

export function sqliteUrl(file: string): string {
  return `${scheme}${file}`;
}
