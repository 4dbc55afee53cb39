import { type Static, Type } from '@sinclair/typebox';
import { AppConfig, closed, level, name, ServiceConfig } from './app-schema.ts';
import { integer, Limits } from './limits.ts';

const secret = Type.String({
  pattern: '^[!-~]{16,256}$',
  description: '16 to 256 characters without a space',
});

export const ConfigFile = Type.Object(
  {
    log: Type.Object(
      {
        level: Type.Unsafe<Static<typeof level>>({ ...level, default: 'info' }),
        directory: Type.Optional(
          Type.String({ pattern: '^[^\\u0000]+$', description: 'the path of a folder' }),
        ),
      },
      { ...closed, default: {} },
    ),
    calls: Type.Object({ deadline: integer('ms', 1_000, 1, 60_000) }, { ...closed, default: {} }),
    limits: Limits,
    docs: Type.Boolean({ default: true, description: 'true or false' }),
    compress: Type.Optional(Type.Boolean({ description: 'true or false' })),
    origins: Type.Array(
      Type.String({
        pattern: '^(\\*|https?://[^/?#@\\s]+)$',
        maxLength: 300,
        description: 'an origin like https://host:port, or "*"',
      }),
      { default: [], maxItems: 100, description: 'a list of origins, like ["https://host:port"] or ["*"]' },
    ),
    /** Absent: only loopback names and addresses for an app on loopback, else any name. */
    hosts: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^(\\*|[A-Za-z0-9_.-]+|\\[[0-9A-Fa-f:.]+\\])$',
          maxLength: 300,
          description: 'a host name or an address without a port, or "*"',
        }),
        { maxItems: 100, description: 'a list of host names, like [localhost] or ["*"]' },
      ),
    ),
    /** Absent: no `strict-transport-security`. */
    hsts: Type.Optional(
      Type.Object(
        {
          maxAge: Type.Integer({
            minimum: 0,
            maximum: 63_072_000,
            description: 'an integer from 0 to 63072000, in seconds',
          }),
          includeSubDomains: Type.Boolean({ default: false, description: 'true or false' }),
        },
        closed,
      ),
    ),
    metrics: Type.Boolean({ default: true, description: 'true or false' }),
    proxies: Type.Array(
      Type.String({ format: 'network', description: 'an address, or a network like 10.0.0.0/8' }),
      { default: [], maxItems: 100, description: 'a list of addresses, like [10.0.0.0/8]' },
    ),
    internal: Type.Object(
      {
        key: Type.Optional(secret),
        /** A separate secret of a service, instead of `key`, by the name of the service. */
        keys: Type.Optional(Type.Record(Type.String({ pattern: name }), secret, closed)),
      },
      { ...closed, default: {} },
    ),
    /** The issuer of the tokens of users. Absent: authentication is off. `false`: it is off on purpose, also beyond loopback. */
    auth: Type.Optional(
      Type.Union([
        // No `type`, so that errors name the mistakes in the map.
        Type.Unsafe<false>({ const: false }),
        Type.Object(
          {
            /** The name of the service that issues tokens, or the URL of an OpenID Connect provider. */
            issuer: Type.String({
              pattern: '^([a-z][a-z0-9-]*|https?://[^?#\\s]+)$',
              description: 'the name of a service, or the URL of an OpenID Connect provider',
            }),
            /** The `aud` of the tokens. Default: the name in package.json. */
            audience: Type.Optional(Type.String({ minLength: 1, description: 'a text' })),
            /** The claim with the scopes, for example `realm_access.roles`. Default: `scope`. */
            claim: Type.Optional(
              Type.String({ pattern: '^[^.\\s]+(\\.[^.\\s]+)*$', description: 'the name of a claim' }),
            ),
          },
          { ...closed, description: 'false, or a map with issuer' },
        ),
      ]),
    ),
    /** OpenTelemetry. Absent: off. The exporter adds the headers in `OTEL_EXPORTER_OTLP_HEADERS`. */
    traces: Type.Optional(
      Type.Object(
        {
          /** The base URL of a collector for OTLP over HTTP. The exporter adds `/v1/traces`. */
          url: Type.String({
            pattern: '^https?://[^?#@\\s]+$',
            format: 'address',
            description: 'an address like http://host:4318',
          }),
          /** The share of new traces that are recorded. The caller decides about a trace that it started. */
          ratio: Type.Number({ minimum: 0, maximum: 1, default: 1, description: 'a number from 0 to 1' }),
        },
        closed,
      ),
    ),
    /** Settings for `./run.sh deploy`. The server does not read them. */
    deploy: Type.Optional(
      Type.Object(
        {
          /** The image of the project. Default: the name and the version in package.json. */
          image: Type.Optional(
            Type.String({ pattern: '^[a-z0-9][\\w./:@-]*$', description: 'the reference of an image' }),
          ),
          /** The namespace in Kubernetes. Default: the name in package.json. */
          namespace: Type.Optional(
            Type.String({
              pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
              description: 'a name of lower-case letters, digits and "-"',
            }),
          ),
          /** The host name of the Ingress. Absent: no Ingress. */
          host: Type.Optional(
            Type.String({
              pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$',
              maxLength: 253,
              description: 'a host name',
            }),
          ),
        },
        closed,
      ),
    ),
    services: Type.Record(Type.String({ pattern: name }), ServiceConfig, closed),
    apps: Type.Record(Type.String({ pattern: name }), AppConfig, { ...closed, minProperties: 1 }),
  },
  closed,
);
