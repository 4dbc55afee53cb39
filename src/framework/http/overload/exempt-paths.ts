/** The paths that are answered to the last: however busy the server is, and while it stops. */
export interface ExemptPaths {
  add(path: string): void;
  has(url: string): boolean;
}

export function createExemptPaths(): ExemptPaths {
  const paths = new Set<string>();
  return {
    add: (path) => void paths.add(normalize(path)),
    has: (url) => paths.has(normalize(url)),
  };
}

/** The path of a URL, with no slash at its end. */
function normalize(url: string): string {
  const query = url.indexOf('?');
  const end = query < 0 ? url.length : query;
  return url.slice(0, url[end - 1] === '/' ? end - 1 : end);
}
