import { createReadStream, writeFileSync } from 'node:fs';
import { Type } from '@sinclair/typebox';
import { defineService } from '#framework';

const csv = { 'text/csv': { schema: Type.Any() } };

export default defineService({
  name: 'report',
  description: 'A report as a file.',
  options: Type.Object({ file: Type.String({ examples: ['report.csv'] }) }),
  routes(app, { options: { file } }) {
    const read = {
      operationId: 'readReport',
      summary: 'Read the report',
      response: { 200: { description: 'The report', content: csv } },
    };
    app.get('/report', { schema: read }, async (_request, reply) =>
      reply.type('text/csv').send(createReadStream(file)),
    );

    app.addContentTypeParser('text/csv', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    const replace = {
      operationId: 'replaceReport',
      summary: 'Replace the report',
      body: { content: csv },
      response: { 204: Type.Null({ description: 'The report is replaced' }) },
    };
    app.put('/report', { schema: replace }, async ({ body }, reply) => {
      writeFileSync(file, body as Buffer);
      reply.code(204);
      return null;
    });
  },
});
