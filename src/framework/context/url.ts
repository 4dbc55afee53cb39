/** Returns the path of a URL. Logs and spans have no query and no fragment, because these may hold secrets. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}
