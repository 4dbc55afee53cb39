import { isUtf8 } from 'node:buffer';
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

  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    // Decoding would put U+FFFD for what is not UTF-8: another text than was sent.
    else if (!isUtf8(body)) done(new Problem(400, 'The body is not UTF-8'));
    else parseJson(request, body.toString(), done);
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
