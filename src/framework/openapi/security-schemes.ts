/** The security schemes that the `security` of an operation names (OpenAPI 3.1, security scheme object). */
export const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token (RFC 9068). Not needed if `auth` is not configured',
  },
  service: {
    type: 'apiKey',
    in: 'header',
    name: 'x-internal',
    description: 'Another service, which proves itself by `internal.key`',
  },
} as const;
