import { Type } from '@sinclair/typebox';
import { levels } from '../logging/logger.ts';
import { durationPattern } from './duration.ts';

// Each schema checks a value, is its type, and describes it in errors: "… must be <description>".
export const closed = { additionalProperties: false, description: 'a map' };
export const level = Type.Union(
  levels.map((name) => Type.Literal(name)),
  { description: `one of ${levels.join(', ')}` },
);
export const name = '^[a-z][a-z0-9-]*$';
const size = Type.Optional(
  Type.String({ pattern: '^[1-9][0-9]{0,5}[MG]i$', description: 'a size like 512Mi or 1Gi' }),
);

export const ServiceConfig = Type.Object(
  {
    database: Type.Optional(
      Type.String({
        pattern: '^(sqlite:(?!//)[^\\u0000]+|postgres(ql)?://[^\\u0000]+/[^\\u0000]+)$',
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
    /** Settings of this app for `./run.sh deploy`. The server does not read them. */
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
