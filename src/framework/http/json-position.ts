/** Longer texts are not searched, because each malformed body would cost a dozen passes over it. */
const maxSearched = 4_096;

/**
 * Finds where a text stops being JSON, in UTF-16 units from 0; undefined where V8 does not say it and the text is long.
 * V8's own message must not reach a client, because it may quote the text.
 */
export function findSyntaxError(text: string): number | undefined {
  const position = positionOf(text);
  if (position !== undefined || text.length > maxSearched) return position;
  // V8 gives no position with "Unexpected token": search the shortest beginning of the text that has the error.
  let [good, bad] = [0, text.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const begin = text.slice(0, middle);
    if (begin.length <= (positionOf(begin) ?? -1)) good = middle;
    else bad = middle;
  }
  return good;
}

/** The position that V8 gives; the length of a text that only lacks its end, or nothing; else undefined. */
function positionOf(text: string): number | undefined {
  try {
    // A byte order mark is ignored, as by the parser of bodies.
    JSON.parse(text.replace(/^\ufeff/, ' '));
    return text.length;
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith('Unexpected token')) return undefined;
    const [, position] = / at position (\d+)/.exec(message) ?? [];
    return position === undefined ? text.length : Number(position);
  }
}
