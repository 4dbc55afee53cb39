import type { IncomingHttpHeaders } from 'node:http';
import fp from 'fastify-plugin';
import { Problem } from '#common/problem.ts';

/** JSON bodies, and empty ones under any content type: `curl -d ''` sends that of a form. */
export const bodies = fp(async (app) => {
  // Before anything looks at the type: where there is nothing, it says nothing.
  app.addHook('onRequest', ({ headers }, _reply, done) => {
    if (headers['content-type'] !== undefined && !hasBody(headers)) delete headers['content-type'];
    done();
  });

  const parseJson = app.getDefaultJsonParser('remove', 'remove');
  app.removeAllContentTypeParsers();

  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parseJson(request, body, done);
  });

  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else done(new Problem(415, 'The body must be application/json'));
  });
});

/** RFC 9112, section 6.3: a request with neither header has no body. */
function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'];
  return length === undefined ? headers['transfer-encoding'] !== undefined : length !== '0';
}
