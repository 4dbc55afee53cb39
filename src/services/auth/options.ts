import { type Static, Type } from '@sinclair/typebox';
import { durationPattern } from '#framework';
import manifest from '../../../package.json' with { type: 'json' };

const closed = { additionalProperties: false, description: 'a map' };

const Duration = (value: string) =>
  Type.String({
    pattern: durationPattern,
    default: value,
    description: 'a duration like 30d, 12h, 30m or 45s',
  });

export const Options = Type.Object({
  /** Whether each client may register. `closed`: only `./run.sh auth admin` creates accounts. */
  register: Type.Union([Type.Literal('open'), Type.Literal('closed')], {
    default: 'closed',
    description: 'open or closed',
  }),
  /** The claim `iss` of the tokens. The URL of the service, if others than this product verify them. */
  issuer: Type.String({ minLength: 1, maxLength: 200, default: 'auth', description: 'a name or a URL' }),
  /** The claim `aud` of the tokens. */
  audience: Type.String({ minLength: 1, maxLength: 200, default: manifest.name, description: 'a name' }),
  /** The life of an access token, in seconds. */
  access: Type.Integer({
    minimum: 10,
    maximum: 86_400,
    default: 600,
    description: 'an integer from 10 to 86400, in seconds',
  }),
  /** The time after which a session ends, also if it is used. */
  session: Duration('30d'),
  /** The time after which a session ends that is not refreshed. */
  idle: Duration('7d'),
  /** The scopes of a new account. */
  scopes: Type.Array(
    Type.String({ pattern: '^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$', description: 'a scope like pet:read' }),
    { default: [], maxItems: 50, description: 'a list of scopes' },
  ),
  /** Absent: no mail is sent, so a password cannot be reset by its owner. */
  mail: Type.Optional(
    Type.Object(
      {
        /** The SMTP server. */
        url: Type.String({
          pattern: '^smtps?://[^\\s/]+/?$',
          description: 'an address like smtp://host:port',
        }),
        from: Type.String({
          pattern: '^[^\\r\\n]+@[^\\r\\n]+$',
          maxLength: 300,
          description: 'a mail address',
        }),
        /** The page that asks for the new password. `?token=…` is added. */
        link: Type.String({
          pattern: '^https?://[^\\s?#]+$',
          description: 'an address like https://host/path',
        }),
      },
      closed,
    ),
  ),
});
export type Options = Static<typeof Options>;
export type MailOptions = NonNullable<Options['mail']>;
