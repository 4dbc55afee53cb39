/** Longer texts are not searched, because the search makes a dozen passes over the text. */
const maxSearchedLength = 4_096;

/**
 * Finds where a text stops being JSON, in UTF-16 units from 0; undefined if V8 gives no position and the text is long.
 * V8's own message must not reach a client, because it may quote the text.
 */
export function findSyntaxError(text: string): number | undefined {
  const position = positionOf(text);
  if (position !== undefined || text.length > maxSearchedLength) return position;
  // V8 gives no position with "Unexpected token": search for the shortest prefix that has the error.
  let [good, bad] = [0, text.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const prefix = text.slice(0, middle);
    if (prefix.length <= (positionOf(prefix) ?? -1)) good = middle;
    else bad = middle;
  }
  return good;
}

/** Returns the position that V8 gives; the length of a text that is valid or only incomplete; else undefined. */
function positionOf(text: string): number | undefined {
  try {
    // A byte order mark is ignored, as by the body parser.
    JSON.parse(text.replace(/^\ufeff/, ' '));
    return text.length;
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith('Unexpected token')) return undefined;
    const [, position] = / at position (\d+)/.exec(message) ?? [];
    return position === undefined ? text.length : Number(position);
  }
}
