const scheme = 'sqlite:';

/** The file of a database; undefined for one in memory, and for no database. */
export function sqliteFile(url: string | undefined): string | undefined {
  const path = url?.slice(scheme.length);
  return path === ':memory:' ? undefined : path;
}

export function sqliteUrl(file: string): string {
  return `${scheme}${file}`;
}
