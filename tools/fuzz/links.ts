import type { Request } from './build.ts';
import type { Aim } from './draft.ts';
import type { FuzzResponse } from './wire.ts';

/** The maximum number of links that are followed. */
const maxLinks = 50;

/** A link to the next page, as a request that must succeed. */
interface NextPage {
  readonly aim: Aim;
  readonly request: Request;
}

/** Collects the links to next pages. */
export function createLinks() {
  const pages: NextPage[] = [];
  return {
    pages: pages as readonly NextPage[],
    /** Learns from a response. Describes a link that is no path of the server; undefined if there is none. */
    observe(aim: Aim, request: Request, { status, headers: { link } }: FuzzResponse): string | undefined {
      if (status !== 200 || aim.operation.cursor === undefined || link === undefined) return undefined;
      const [, path] = /^<(\/[!-;=?-~]*)>; rel="next"$/.exec(String(link)) ?? [];
      if (path === undefined) return `200 has the link ${link}: expected a path and rel="next"`;
      const sent = { method: 'GET', path, headers: {}, body: undefined };
      if (pages.length < maxLinks)
        pages.push({
          aim: { ...aim, name: 'the next page', expects: 'success' },
          request: { ...request, sent, isValid: true, isSettled: true },
        });
      return undefined;
    },
  };
}
