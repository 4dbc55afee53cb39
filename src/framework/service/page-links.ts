import { Type } from '@sinclair/typebox';
import type { onSendHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import { currentContext } from '../context/context.ts';
import { pathOf } from '../context/url.ts';
import { formatCursor } from '../database/cursor.ts';
import { readListColumns } from '../openapi/list-query.ts';

function describeLink(path: string) {
  return Type.String({
    description: 'The next page (RFC 8288). Absent: this page is the last',
    examples: [`<${path}?after=${formatCursor('id', { id: 100, value: undefined })}>; rel="next"`],
  });
}

/** Links each full page of a list to the next page. */
export const pageLinks = fp(
  async (scope) => {
    scope.addHook('onRoute', (route) => {
      const { schema } = route;
      if (readListColumns(schema?.querystring) === undefined) return;
      const response = schema?.response as Readonly<Record<string, object>> | undefined;
      route.schema = {
        ...schema,
        response: { ...response, 200: { ...response?.['200'], headers: { link: describeLink(route.url) } } },
      };
      route.onSend = [addLink, ...[route.onSend ?? []].flat()];
    });
  },
  { name: 'page-links', dependencies: ['route-responses'] },
);

const addLink: onSendHookHandler = (request, reply, payload, done) => {
  const cursor = currentContext()?.request?.nextPage;
  if (cursor !== undefined && reply.statusCode === 200)
    reply.header('link', `<${urlOfPage(request.url, cursor)}>; rel="next"`);
  done(null, payload);
};

/** Returns the URL of a request, without its host and `offset`, with another cursor. */
export function urlOfPage(url: string, cursor: string): string {
  const path = pathOf(url);
  const query = url.slice(path.length + 1);
  const kept = query.split('&').filter((pair) => pair !== '' && !/^(after|offset)$/.test(nameOf(pair)));
  const target = `${path}?${[...kept, `after=${cursor}`].join('&')}`;
  // Node accepts characters in a URL that would end the link, and bytes above 0x7F.
  return target.replace(/[^\w\-.~!$&'()*+,;=:@/?%]/g, encodeURIComponent);
}

/** The decoded name of a pair of a query. */
function nameOf(pair: string): string {
  const [name = ''] = pair.split('=', 1);
  return /[%+]/.test(name) ? [...new URLSearchParams(name).keys()].join() : name;
}
