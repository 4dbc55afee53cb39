/** Returns the path of a URL, without its query and fragment. Logs and spans show no more, because a query may hold secrets. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}
