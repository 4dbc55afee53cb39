import { pathOf } from '../../context/url.ts';

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

function normalize(url: string): string {
  const path = pathOf(url);
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
