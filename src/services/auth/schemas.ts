import { type Static, Type } from '@sinclair/typebox';
import { type Emit, Id, listQuery, Timestamp, text } from '#framework';

/** Characters that have a meaning in the list of recipients of a mail are not allowed. */
const part = (max: number) => `[^\\s@<>()[\\]\\\\,;:"\\u0000-\\u001f\\u007f\\ud800-\\udfff]{1,${max}}`;
const emailPattern = `^${part(64)}@${part(189)}$`;

export const Email = text({
  minLength: 3,
  maxLength: 254,
  pattern: emailPattern,
  examples: ['alice@example.com'],
});
export const NewPassword = text({ minLength: 12, maxLength: 128, examples: ['three brown kettles'] });
const Password = text({ minLength: 1, maxLength: 128, examples: ['three brown kettles'] });

const Scope = text({
  minLength: 3,
  maxLength: 100,
  pattern: '^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$',
  examples: ['pet:read'],
});
const Scopes = Type.Array(Scope, { maxItems: 50, uniqueItems: true, examples: [['pet:read', 'pet:write']] });

const sessionIdPattern = '^[A-Za-z0-9_-]{22}$';
const SessionIdText = Type.String({ pattern: sessionIdPattern, examples: ['Zm9vYmFyYmF6cXV4cXV1eA'] });

export const UserId = Type.Object({ user_id: Id });
export const SessionId = Type.Object({
  session_id: text({
    pattern: sessionIdPattern,
    minLength: 22,
    maxLength: 22,
    examples: ['Zm9vYmFyYmF6cXV4cXV1eA'],
  }),
});

export const Credentials = Type.Object({ email: Email, password: Password }, { $id: 'Credentials' });
export type Credentials = Static<typeof Credentials>;

export const UserCreate = Type.Object({ email: Email, password: NewPassword }, { $id: 'UserCreate' });

export const User = Type.Object(
  {
    id: Id,
    email: Type.String({ examples: ['alice@example.com'] }),
    scopes: Scopes,
    blocked: Type.Boolean(),
    created_at: Timestamp,
  },
  { $id: 'User' },
);
export type User = Static<typeof User>;

export const UserQuery = listQuery(User);
export type UserQuery = Static<typeof UserQuery>;

export const NewUser = Type.Object(
  { id: Id, email: Type.String({ examples: ['alice@example.com'] }) },
  { $id: 'NewUser' },
);

export const UserUpdate = Type.Partial(
  Type.Object({
    scopes: { ...Scopes, description: 'Replaces the scopes; tokens have them from the next refresh on' },
    blocked: Type.Boolean({ description: 'A blocked user cannot log in; its sessions end' }),
  }),
  { $id: 'UserUpdate' },
);

/** The response to a request whose outcome is only in a mail. */
export const Accepted = Type.Object(
  { accepted: Type.Literal(true) },
  { $id: 'Accepted', description: 'The outcome is in a mail' },
);

export const Tokens = Type.Object(
  {
    access_token: Type.String({ description: 'A JWT (RFC 9068)' }),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ description: 'Seconds', examples: [600] }),
    refresh_token: Type.String({ description: 'Each refresh replaces it' }),
    session_id: SessionIdText,
  },
  { $id: 'Tokens' },
);
export type Tokens = Static<typeof Tokens>;

export const RefreshToken = Type.Object(
  { refresh_token: text({ minLength: 1, maxLength: 200 }) },
  { $id: 'RefreshToken' },
);

export const Session = Type.Object(
  {
    id: SessionIdText,
    is_current: Type.Boolean({ description: 'Whether the access token of the request belongs to it' }),
    agent: Type.String({ description: 'The `user-agent` of the login' }),
    created_at: Timestamp,
    refreshed_at: Timestamp,
    idle_ends_at: Timestamp,
    ends_at: Timestamp,
  },
  { $id: 'Session' },
);

export const PasswordChange = Type.Object({ old: Password, new: NewPassword }, { $id: 'PasswordChange' });

export const ResetRequest = Type.Object({ email: Email }, { $id: 'ResetRequest' });
export const PasswordReset = Type.Object(
  {
    token: text({ minLength: 1, maxLength: 100, description: 'From the link in the mail' }),
    password: NewPassword,
  },
  { $id: 'PasswordReset' },
);

/** A public key. The response contains no other member, so never a private one. */
const PublicKey = Type.Object({
  kty: Type.String({ examples: ['EC'] }),
  crv: Type.String({ examples: ['P-256'] }),
  x: Type.String(),
  y: Type.String(),
  kid: Type.String(),
  alg: Type.String({ examples: ['ES256'] }),
  use: Type.String({ examples: ['sig'] }),
});
export const KeySet = Type.Object({ keys: Type.Array(PublicKey) }, { $id: 'KeySet' });

const Names = Type.Array(Type.String());
export const Discovery = Type.Object(
  {
    issuer: Type.String({ examples: ['auth'] }),
    jwks_uri: Type.String({ examples: ['/auth/.well-known/jwks.json'] }),
    response_types_supported: Names,
    subject_types_supported: Names,
    id_token_signing_alg_values_supported: Names,
    access_token_signing_alg_values_supported: Names,
  },
  { $id: 'Discovery' },
);

export const schemas = [
  ...[Credentials, UserCreate, User, NewUser, UserUpdate, Accepted, Tokens, RefreshToken, Session],
  ...[PasswordChange, ResetRequest, PasswordReset, KeySet, Discovery],
];

/** The schema of the data of each event. */
export const authEvents = {
  'session.ended': Type.Object({ session_id: SessionIdText, user_id: Id }),
};
export type EmitAuthEvent = Emit<typeof authEvents>;

/** Folds an email, so that one mailbox has one account. The lower case of a composed letter may be decomposed. */
export function foldEmail(email: string): string {
  return email.toLowerCase().normalize('NFC');
}
