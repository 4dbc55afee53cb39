import fp from 'fastify-plugin';
import { Problem } from '#common/problem.ts';

/** JSON bodies, and empty ones under any content type: `curl -d ''` sends that of a form. */
export const bodies = fp(async (app) => {
  // Before anything looks at the type: where there is nothing, it says nothing.
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.headers['content-length'] === '0') delete request.headers['content-type'];
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
