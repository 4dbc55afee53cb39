/** The URL of an SQLite database of the config, parsed. */
export interface DatabaseUrl {
  /** A path, or `:memory:`. */
  readonly file: string;
}

/** The path of a database in memory. */
export const inMemory = ':memory:';

const scheme = 'sqlite:';

/** Parses `sqlite:` and a path, or `sqlite::memory:`. */
export function parseDatabaseUrl(url: string): DatabaseUrl {
  if (!url.startsWith(scheme)) throw new TypeError(`Expected a database URL that starts with ${scheme}`);
  return { file: url.slice(scheme.length) };
}

/** Whether a URL of the config is that of a PostgreSQL database. */
export function isPostgresUrl(url: string): boolean {
  return /^postgres(ql)?:\/\//.test(url);
}

/** Returns the file of a database. Undefined for a database in memory or on a server, and for no database. */
export function sqliteFile(url: string | undefined): string | undefined {
  const file = url === undefined || isPostgresUrl(url) ? inMemory : parseDatabaseUrl(url).file;
  return file === inMemory ? undefined : file;
}

export function sqliteUrl(file: string): string {
  return `${scheme}${file}`;
}

/** Returns the name of a database for messages: the path of a file, or the URL without its password. */
export function describeDatabaseUrl(url: string): string {
  return isPostgresUrl(url) ? hidePassword(url) : parseDatabaseUrl(url).file;
}

export function hidePassword(url: string): string {
  return (
    url
      // A secret from a file often ends with a line break. The parser of URLs ignores it too.
      .replace(/[\t\n\r]/g, '')
      // Up to the last `@`, because a password may contain `/` and `@` by mistake.
      .replace(/^(\w+:\/\/[^/:@]*):.*@/s, '$1:***@')
      .replace(/([?&](?:ssl)?password=)[^&]*/gi, '$1***')
  );
}
