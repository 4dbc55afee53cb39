import { isIP } from 'node:net';
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { Ajv, type ErrorObject } from 'ajv';
import { levels } from '../logging/logger.ts';
import { durationPattern } from './duration.ts';
import { Limits } from './limits.ts';

// Each schema checks a value, is its type, and describes it in errors: "… must be <description>".
const closed = { additionalProperties: false, description: 'a map' };
const level = Type.Union(
  levels.map((name) => Type.Literal(name)),
  { description: `one of ${levels.join(', ')}` },
);
const name = '^[a-z][a-z0-9-]*$';
const size = Type.Optional(
  Type.String({ pattern: '^[1-9][0-9]{0,5}[MG]i$', description: 'a size like 512Mi or 1Gi' }),
);

export const ServiceConfig = Type.Object(
  {
    database: Type.Optional(
      Type.String({
        pattern: '^(sqlite:[^\\u0000]+|postgres(ql)?://[^\\u0000]+/[^\\u0000]+)$',
        description: '"sqlite:" and a path, "sqlite::memory:", or "postgres://user@host/database"',
      }),
    ),
    log: Type.Optional(Type.Object({ level }, closed)),
    events: Type.Optional(
      Type.Object(
        {
          /** The time for which events are kept. Default: 7 days. A consumer that stops for longer misses events. */
          keep: Type.String({
            pattern: durationPattern,
            description: 'a duration like 7d, 12h, 30m or 45s',
          }),
        },
        closed,
      ),
    ),
    options: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'a map' })),
  },
  closed,
);

export const AppConfig = Type.Object(
  {
    host: Type.String({
      pattern: '^[^\\s\\u0000]+$',
      default: '127.0.0.1',
      description: 'a host name or an address',
    }),
    port: Type.Integer({ minimum: 0, maximum: 65535, description: 'an integer from 0 to 65535' }),
    instances: Type.Integer({ minimum: 1, maximum: 64, default: 1, description: 'an integer from 1 to 64' }),
    url: Type.Optional(
      Type.String({
        pattern: '^https?://[^/?#@\\s]+/?$',
        format: 'address',
        description: 'an address like http://host:port',
      }),
    ),
    services: Type.Array(Type.String({ description: 'the name of a service' }), {
      description: 'a list of names of services',
    }),
    /** What `./run.sh deploy` writes for this app. The server does not read it. */
    deploy: Type.Optional(
      Type.Object(
        {
          /** Default: 1 with SQLite, else 2. */
          replicas: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 100, description: 'an integer from 1 to 100' }),
          ),
          /** Default: 250m. */
          cpu: Type.Optional(
            Type.String({
              pattern: '^([1-9][0-9]{0,5}m|[1-9][0-9]{0,2})$',
              description: 'a text like "2" for cores, or 250m for thousandths',
            }),
          ),
          /** Default: 512Mi for each instance. */
          memory: size,
          /** Default: 1Gi. */
          storage: size,
        },
        closed,
      ),
    ),
  },
  closed,
);

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
    calls: Type.Object(
      {
        deadline: Type.Integer({
          minimum: 1,
          maximum: 60_000,
          default: 1_000,
          description: 'an integer from 1 to 60000, in ms',
        }),
      },
      { ...closed, default: {} },
    ),
    limits: Limits,
    docs: Type.Boolean({ default: true, description: 'true or false' }),
    compress: Type.Optional(Type.Boolean({ description: 'true or false' })),
    origins: Type.Array(
      Type.String({
        pattern: '^(\\*|https?://[^/?#@\\s]+)$',
        maxLength: 300,
        description: 'an origin like https://host:port, or "*"',
      }),
      { default: [], maxItems: 100, description: 'a list of origins' },
    ),
    /** Absent: only loopback names and addresses for an app on loopback, else any name. */
    hosts: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^(\\*|[A-Za-z0-9_.-]+|\\[[0-9A-Fa-f:.]+\\])$',
          maxLength: 300,
          description: 'a host name or an address without a port, or "*"',
        }),
        { maxItems: 100, description: 'a list of host names' },
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
      { default: [], maxItems: 100, description: 'a list of addresses' },
    ),
    internal: Type.Object(
      {
        key: Type.Optional(
          Type.String({ pattern: '^[!-~]{16,256}$', description: '16 to 256 characters without a space' }),
        ),
        /** A separate secret of a service, instead of `key`, by the name of the service. */
        keys: Type.Optional(
          Type.Record(
            Type.String({ pattern: name }),
            Type.String({ pattern: '^[!-~]{16,256}$', description: '16 to 256 characters without a space' }),
            closed,
          ),
        ),
      },
      { ...closed, default: {} },
    ),
    /** Who issues the tokens of users. Absent: authentication is off. `false`: it is off on purpose, also beyond loopback. */
    auth: Type.Optional(
      Type.Union([
        // Without a type, so that the mistakes in the map are reported.
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
    /** What `./run.sh deploy` writes. The server does not read it. */
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

const ajv = new Ajv({
  verbose: true,
  useDefaults: true,
  allowUnionTypes: true,
  meta: false,
  validateSchema: false,
});
ajv.addFormat('address', (text) => URL.canParse(text));
ajv.addFormat('network', (text) => {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && (bits === undefined || Number(bits) <= (version === 4 ? 32 : 128));
});

/** Fills in the defaults of `value`, and describes the first value that does not match the schema. */
export function findConfigError(schema: TSchema, value: unknown, root = ''): string | undefined {
  const check = ajv.compile(schema);
  if (check(value)) return undefined;
  const error = (check.errors ?? []).find(({ keyword }) => keyword !== 'const') as ErrorObject;
  const path = [root, ...error.instancePath.split('/').slice(1)].filter((part) => part !== '').join('.');
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  if (error.keyword === 'required') return `${at(error.params.missingProperty)} is missing`;
  if (error.keyword === 'additionalProperties') {
    const key = String(error.params.additionalProperty);
    const known = Object.keys(error.parentSchema?.properties ?? {});
    if (known.length === 0) return `${at(key)} is not a name: lower-case letters, digits and "-"`;
    return `${at(key)} is not a known key (known: ${known.join(', ')})`;
  }
  if (error.keyword === 'minProperties') return `${path} must have at least one entry`;
  return `${path === '' ? 'the file' : path} ${describeRequirement(error)}`;
}

/** Returns "must be <description>", or the message of Ajv if the schema has no description. */
function describeRequirement({ parentSchema, message }: ErrorObject): string {
  return parentSchema?.description === undefined ? String(message) : `must be ${parentSchema.description}`;
}
