import fp from 'fastify-plugin';

/** Smaller responses are sent as they are, because compression would save little. */
const minCompressedBytes = 1_024;

/** Compresses large responses for clients that accept it. A response that a service compressed already stays as it is. */
export const compression = fp<{ readonly isEnabled: boolean }>(
  async (app, { isEnabled }) => {
    if (!isEnabled) return;
    // Imported on demand, because it lengthens the start.
    const { default: fastifyCompress } = await import('@fastify/compress');
    await app.register(fastifyCompress, {
      threshold: minCompressedBytes,
      encodings: ['br', 'gzip'],
      globalDecompression: false,
    });
  },
  { name: 'compression', dependencies: ['request-lifecycle'] },
);
