import { Type } from '@sinclair/typebox';
import { defineService, GatewayTimeout, peerProblems, ServiceUnavailable } from '#framework';

async function readBlurb(url: string, isbn: string): Promise<string> {
  try {
    const response = await fetch(`${url}/${isbn}.txt`, { signal: AbortSignal.timeout(500) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await response.text();
  } catch (cause) {
    const isLate = (cause as Error).name === 'TimeoutError';
    throw new (isLate ? GatewayTimeout : ServiceUnavailable)('The catalog does not respond', { cause });
  }
}

export default defineService({
  name: 'catalog',
  description: 'Reads from an outside server.',
  options: Type.Object({ url: Type.String({ examples: ['https://catalog.example'] }) }),
  routes(app, { options: { url } }) {
    const isbn = Type.String({ pattern: '^[0-9]{13}$', examples: ['9780000000002'] });
    const text = Type.String({ examples: ['A ring must be destroyed.'] });
    const blurb = { 200: Type.Object({ text }, { description: 'The blurb' }) };
    app.get(
      '/blurbs/:isbn',
      {
        schema: {
          operationId: 'readBlurb',
          summary: 'Read the blurb of a book',
          params: Type.Object({ isbn }),
          response: blurb,
          errors: peerProblems,
        },
      },
      async ({ params }) => ({ text: await readBlurb(url, params.isbn) }),
    );
  },
});
