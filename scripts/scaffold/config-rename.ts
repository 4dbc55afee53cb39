/** Renames a service in the text of a config file. All other bytes stay. */
import { isMap, isScalar, isSeq, type Node, parseDocument, type Scalar } from 'yaml';
import { isPostgresUrl } from '../../src/framework/config/database-url.ts';
import { ConfigTextError } from './config-text.ts';

export interface RenamedConfig {
  readonly text: string;
  /** The steps that the user has to do by hand. */
  readonly note?: string;
}

/**
 * Renames a service, and the apps of its name that run only this service. The database stays where it is: on PostgreSQL the
 * schema has the name of the service, so the URL gets the old name, or loses it when it is the new one.
 */
export function renameInConfig(text: string, from: string, to: string): RenamedConfig {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new ConfigTextError(error.message.split('\n')[0]);
  const edits: { start: number; end: number; text: string }[] = [];
  const replace = (node: Node, value: string) => {
    const [start, end] = node.range as [number, number, number];
    const raw = text.slice(start, end);
    edits.push({ start, end, text: raw.replace(String((node as Scalar).value), () => value) });
  };
  const services = document.get('services');
  const own = isMap(services)
    ? services.items.find(({ key }) => isScalar(key) && key.value === from)
    : undefined;
  let note: string | undefined;
  if (own !== undefined) {
    replace(own.key as Node, to);
    const url = isMap(own.value) ? own.value.get('database', true) : undefined;
    if (isScalar(url) && typeof url.value === 'string') {
      const changed = moveSchema(url.value, from, to);
      if (changed === undefined)
        note = `services.${to}.database must name the schema: add ?schema=${from} to its URL`;
      else if (changed !== url.value) replace(url, changed);
    }
  }
  const apps = document.get('apps');
  for (const { key, value } of isMap(apps) ? apps.items : []) {
    const list = isMap(value) ? value.get('services') : undefined;
    if (!isSeq(list)) continue;
    for (const item of list.items) if (isScalar(item) && item.value === from) replace(item, to);
    if (isScalar(key) && key.value === from && list.items.length === 1) replace(key, to);
  }
  const renamed = edits
    .sort((one, other) => other.start - one.start)
    .reduce((result, edit) => result.slice(0, edit.start) + edit.text + result.slice(edit.end), text);
  return { text: renamed, ...(note !== undefined && { note }) };
}

/** Returns the URL with which the service of the new name finds its tables. Undefined: a variable holds the URL. */
function moveSchema(url: string, from: string, to: string): string | undefined {
  const schema = /[?&]schema=([^&]*)/.exec(url)?.[1];
  if (schema === to) return url.replace(/([?&])schema=[^&]*&?/, '$1').replace(/[?&]$/, '');
  if (schema !== undefined) return url;
  if (url.startsWith('${')) return undefined;
  if (!isPostgresUrl(url)) return url;
  return `${url}${url.includes('?') ? '&' : '?'}schema=${from}`;
}
