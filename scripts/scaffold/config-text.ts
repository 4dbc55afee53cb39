/**
 * Adds a service to the text of a config file, and removes it. All other bytes stay: comments, blank lines, quotes. The
 * text is cut at the ranges of the nodes that the `yaml` package returns.
 */
import {
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';

/** A config file that does not have the expected form. The message says what to add by hand. */
export class ConfigTextError extends Error {}

export interface AddedService {
  readonly name: string;
  readonly database: string;
  /** The app that runs it: the first app of the file, or a separate app on this port. */
  readonly port: number | undefined;
}

type BlockPair = Pair<Node, Node | null>;

export function addService(text: string, { name, database, port }: AddedService): string {
  const { services, apps } = readParts(text);
  const entry = [`${name}:`, `  database: ${database}`];
  const edits = [insertPair(text, services, entry)];
  if (port !== undefined)
    edits.push(insertPair(text, apps, [`${name}: { host: 127.0.0.1, port: ${port}, services: [${name}] }`]));
  else edits.push(insertItem(text, listOf(apps.items[0] as BlockPair), name));
  return apply(text, edits);
}

/** Removes a service, its name from the apps, and each app after the first that ran only this service. */
export function removeService(text: string, name: string): string {
  const { services, apps, keys } = readParts(text);
  const edits: Edit[] = [];
  const pair = services.items.find((one) => keyOf(one) === name);
  if (pair !== undefined) edits.push(...removePair(text, services, pair, keys.services));
  for (const [index, app] of apps.items.entries()) {
    const list = listOf(app);
    const names = list.items.map((item) => (isScalar(item) ? item.value : undefined));
    if (!names.includes(name)) continue;
    if (index > 0 && names.length === 1) edits.push(...removePair(text, apps, app, keys.apps));
    else edits.push(removeItem(text, list, names.indexOf(name)));
  }
  return apply(text, edits);
}

/** Lists the services that a config file names, and the ports of its apps. */
export function readNames(text: string): {
  readonly services: readonly string[];
  readonly ports: readonly number[];
} {
  const config = parseDocument(text).toJS() as {
    services?: Record<string, unknown>;
    apps?: Record<string, { port?: unknown }>;
  } | null;
  const ports = Object.values(config?.apps ?? {}).map((app) => app?.port);
  return {
    services: Object.keys(config?.services ?? {}),
    ports: ports.filter((port): port is number => typeof port === 'number'),
  };
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

function apply(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const edit of edits.toSorted((one, other) => other.from - one.from))
    result = result.slice(0, edit.from) + edit.text + result.slice(edit.to);
  return result;
}

function readParts(text: string) {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new ConfigTextError(error.message.split('\n')[0]);
  const [services, apps] = [document.get('services'), document.get('apps')];
  if (!isMap(services) || !isMap(apps) || apps.items.length === 0)
    throw new ConfigTextError('expected the maps services and apps');
  const keyEnd = (name: string) => {
    const pair = (document.contents as YAMLMap<Node, Node>).items.find((one) => keyOf(one) === name);
    return text.indexOf(':', pair?.key.range?.[1] ?? 0) + 1;
  };
  return {
    services: services as YAMLMap<Node, Node | null>,
    apps: apps as YAMLMap<Node, Node | null>,
    /** The ends of the two keys, after the colon. */
    keys: { services: keyEnd('services'), apps: keyEnd('apps') },
  };
}

function keyOf({ key }: BlockPair): unknown {
  return isScalar(key) ? key.value : undefined;
}

function listOf(app: BlockPair): YAMLSeq<Node> {
  const list = isMap(app.value) ? app.value.get('services') : undefined;
  if (!isSeq(list)) throw new ConfigTextError(`expected a list apps.${keyOf(app)}.services`);
  return list as YAMLSeq<Node>;
}

const startOf = (node: Node | null | undefined) => node?.range?.[0] ?? 0;

/** The end of the last character of a pair. */
function endOfPair(text: string, { key, value }: BlockPair): number {
  // The range of a block map goes on to the next key, over comments and blank lines.
  const last = isMap(value) && !value.flow && value.items.length > 0 ? value.items.at(-1) : undefined;
  if (last !== undefined) return endOfPair(text, last as BlockPair);
  const item = isSeq(value) && !value.flow ? (value.items.at(-1) as Node | undefined) : undefined;
  const end = (item ?? value ?? key).range?.[1] ?? 0;
  return Math.max(end, key.range?.[1] ?? 0);
}

/** The start of the line after a position, or the end of the text. */
function nextLine(text: string, position: number): number {
  const end = text.indexOf('\n', position);
  return end < 0 ? text.length : end + 1;
}

function lineStart(text: string, position: number): number {
  return text.lastIndexOf('\n', position - 1) + 1;
}

/** Inserts a pair of one or more lines after the last pair of a map. */
function insertPair(text: string, map: YAMLMap<Node, Node | null>, lines: readonly string[]): Edit {
  if (map.flow && map.items.length === 0) {
    const indent = startOf(map) === lineStart(text, startOf(map)) ? '' : '  ';
    const [from, end] = map.range as [number, number, number];
    // A comment after the map stays on the line of the key.
    const to = nextLine(text, end);
    const comment = text.slice(end, to).trimEnd();
    return {
      from: text[from - 1] === ' ' ? from - 1 : from,
      to,
      text: `${comment}\n${lines.map((line) => `${indent}${line}\n`).join('')}`,
    };
  }
  if (map.flow) throw new ConfigTextError('expected one line for each service and each app');
  const [first] = map.items;
  const indent = text.slice(lineStart(text, startOf(first?.key)), startOf(first?.key));
  const at = nextLine(text, endOfPair(text, map.items.at(-1) as BlockPair));
  const start = at > 0 && text[at - 1] !== '\n' ? '\n' : '';
  return { from: at, to: at, text: `${start}${lines.map((line) => `${indent}${line}\n`).join('')}` };
}

/** Removes a pair. @param keyEnd the end of the key of the map: without its last pair, the map would be null. */
function removePair(text: string, map: YAMLMap<Node, Node | null>, pair: BlockPair, keyEnd: number): Edit[] {
  if (map.flow) throw new ConfigTextError('expected one line for each service and each app');
  const from = lineStart(text, startOf(pair.key));
  const edit = { from, to: nextLine(text, endOfPair(text, pair)), text: '' };
  return map.items.length > 1 ? [edit] : [edit, { from: keyEnd, to: keyEnd, text: ' {}' }];
}

function insertItem(text: string, list: YAMLSeq<Node>, name: string): Edit {
  const last = list.items.at(-1);
  if (list.flow) {
    const at = last?.range?.[1] ?? startOf(list) + 1;
    return { from: at, to: at, text: last === undefined ? name : `, ${name}` };
  }
  const from = lineStart(text, startOf(last));
  const at = nextLine(text, last?.range?.[1] ?? 0);
  const start = text[at - 1] === '\n' ? '' : '\n';
  return { from: at, to: at, text: `${start}${text.slice(from, startOf(last))}${name}\n` };
}

function removeItem(text: string, list: YAMLSeq<Node>, index: number): Edit {
  const item = list.items[index] as Node;
  const [from, to] = item.range as [number, number, number];
  if (list.flow) {
    const before = list.items[index - 1]?.range?.[1];
    const after = list.items[index + 1]?.range?.[0];
    if (before !== undefined) return { from: before, to, text: '' };
    return { from, to: after ?? to, text: '' };
  }
  if (list.items.length === 1) {
    const start = lineStart(text, from) - 1;
    return { from: start, to, text: ' []' };
  }
  return { from: lineStart(text, from), to: nextLine(text, to), text: '' };
}

/** Returns the text at a path of the file, for example `['auth', 'issuer']`. */
export function readText(text: string, path: readonly string[]): string | undefined {
  const found = parseDocument(text).getIn(path);
  return typeof found === 'string' ? found : undefined;
}
