import { expect, test } from 'vitest';
import { defineService } from '../../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../../support/app.ts';
import { scrape } from '../../../support/prometheus.ts';
import { openConnectedSocket } from '../../../support/sockets.ts';

const size = 20_000_000;

test('while clients do not read, requests are rejected, until the slowest reader is disconnected', async (t) => {
  const large = defineService({
    name: 'large',
    description: 'Has one large response.',
    routes(scope) {
      // Larger than the kernel's buffers for a client that does not read.
      scope.get('/text', { schema: { hide: true } }, async (_request, reply) =>
        reply.type('text/plain').send('x'.repeat(size)),
      );
    },
  });
  const { url, logs } = await createTestApp(t, {
    services: [large],
    config: { limits: { unread: 1_048_576 } },
  });
  const client = await openConnectedSocket(t, url);
  client.socket.pause();
  client.write('GET /large/text HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const status = async () => (await fetch(`${url}/large/`)).status;
  await expect.poll(status).toBe(503);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  const during = await scrape(url);
  expect(during.sum('http_response_unread_bytes', 'service').gateway).toBeGreaterThan(1_048_576);
  await expect.poll(status).toBe(200);
  expect(logs.map(({ msg }) => msg)).toContain(
    'connection closed: too many bytes wait for clients, and this client reads too slowly',
  );
  await expect
    .poll(async () => (await scrape(url)).sum('http_connections_closed_total', 'reason').unread)
    .toBe(1);
  const after = await scrape(url);
  expect(after.sum('http_requests_rejected_total', 'reason').unread).toBeGreaterThan(0);
  client.socket.resume();
  expect((await client.closed()).length).toBeLessThan(size);
  await expect
    .poll(async () => (await scrape(url)).sum('http_response_unread_bytes', 'service').gateway)
    .toBe(0);
});
