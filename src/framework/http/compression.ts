import fp from 'fastify-plugin';

/** From here on an answer is worth it, in bytes. */
export const compressible = 1_024;

/** Compresses large answers for those who ask; one that comes compressed from behind the gateway stays as it is. */
export const compression = fp(async (app) => {
  // Only where it is wanted anybody pays for this import.
  const { default: compress } = await import('@fastify/compress');
  await app.register(compress, {
    threshold: compressible,
    encodings: ['br', 'gzip'],
    globalDecompression: false,
  });
});
