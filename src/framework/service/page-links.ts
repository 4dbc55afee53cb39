import { Type } from '@sinclair/typebox';
import type { onSendHookHandler } from 'fastify';
import { currentContext } from '../context/context.ts';
import { pathOf } from '../context/url.ts';
import { formatCursor } from '../database/cursor.ts';
import { type ListColumns, readListColumns } from '../database/list-query.ts';
import type { AddedRoute } from './route-checks.ts';

function describeLink(path: string) {
  return Type.String({
    description: 'The next page (RFC 8288). Absent: this page is the last',
    examples: [`<${path}?after=${formatCursor('id', { id: 100, value: undefined })}>; rel="next"`],
  });
}

/** Links each full page of a list to the next page, if the route has a list. */
export function linkPages(route: AddedRoute): void {
  const { schema } = route;
  const columns = readListColumns(schema?.querystring);
  if (columns === undefined) return;
  const response = schema?.response as Readonly<Record<string, object>> | undefined;
  route.schema = {
    ...schema,
    response: { ...response, 200: { ...response?.['200'], headers: { link: describeLink(route.url) } } },
  };
  route.onSend = [createAddLink(columns), ...[route.onSend ?? []].flat()];
}

function createAddLink(columns: ListColumns): onSendHookHandler {
  // Leave out all other parameters, because they may be secrets and have no effect on the next page.
  const kept: ReadonlySet<string> = new Set(['limit', 'sort', ...columns.filter]);
  return (request, reply, payload, done) => {
    const cursor = currentContext()?.request?.nextPages?.get(columns);
    if (cursor !== undefined && reply.statusCode === 200)
      reply.header('link', `<${urlOfPage(request.url, cursor, kept)}>; rel="next"`);
    done(null, payload);
  };
}

/** Returns the URL of a request without its host, with another cursor. @param kept the parameters that stay. */
export function urlOfPage(url: string, cursor: string, kept: ReadonlySet<string>): string {
  const path = pathOf(url);
  const query = url.slice(path.length + 1);
  const pairs = query.split('&').filter((pair) => kept.has(nameOf(pair)));
  const target = `${path}?${[...pairs, `after=${cursor}`].join('&')}`;
  // Node accepts characters in a URL that would end the link, and bytes above 0x7F.
  return target.replace(/[^\w\-.~!$&'()*+,;=:@/?%]/g, encodeURIComponent);
}

/** The decoded name of a pair of a query. */
function nameOf(pair: string): string {
  const [name = ''] = pair.split('=', 1);
  return /[%+]/.test(name) ? [...new URLSearchParams(name).keys()].join() : name;
}
