import { id, index, instant, integer, sqliteTable, text, unique } from '#framework/database';

// Columns that end in `_ms` are points in time in ms since 1970, which queries compare.

export const accounts = sqliteTable(
  'account',
  {
    id: id(),
    /** Folded: see `foldEmail`. */
    email: text().notNull(),
    /** The argon2id hash in the PHC string format. */
    password_hash: text().notNull(),
    /** Separated by spaces. */
    scopes: text().notNull(),
    is_blocked: integer().notNull(),
    created_at: instant().notNull(),
  },
  (table) => [unique('account_email').on(table.email)],
);

export const sessions = sqliteTable(
  'session',
  {
    id: text().primaryKey().notNull(),
    account_id: integer()
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    /** The number of the current refresh token. */
    counter: integer().notNull(),
    /** The key of the HMAC in each refresh token. */
    secret: text().notNull(),
    /** The hash of the idempotency key that rotated the refresh token last; null if the request had none. */
    key_hash: text(),
    /** The `user-agent` of the login. */
    agent: text().notNull(),
    created_at: instant().notNull(),
    rotated_ms: integer().notNull(),
    /** The absolute end. */
    ends_ms: integer().notNull(),
    /** The end unless the session is refreshed before: never after `ends_ms`. */
    idle_ends_ms: integer().notNull(),
  },
  (table) => [
    index('session_of_account').on(table.account_id, table.created_at),
    index('session_end').on(table.idle_ends_ms),
  ],
);

export const resets = sqliteTable(
  'password_reset',
  {
    /** The SHA-256 of the token. */
    hash: text().primaryKey().notNull(),
    account_id: integer()
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    ends_ms: integer().notNull(),
  },
  (table) => [index('password_reset_of_account').on(table.account_id)],
);

export const signingKeys = sqliteTable(
  'signing_key',
  {
    kid: text().primaryKey().notNull(),
    /** `current` signs, `next` is published and will sign; null: a previous key, which only verifies. */
    role: text(),
    /** A JWK, as JSON. */
    private_key: text().notNull(),
    /** A JWK, as JSON. */
    public_key: text().notNull(),
    created_ms: integer().notNull(),
    /** The end of the last token of a previous key; null for other keys. */
    ends_ms: integer(),
  },
  // If several processes start at the same time, only one creates the keys.
  (table) => [unique('signing_key_role').on(table.role)],
);

/** Counts the tries of an address, of an account, and of both together. The keys are hashes. */
export const attempts = sqliteTable(
  'attempt',
  {
    key: text().primaryKey().notNull(),
    count: integer().notNull(),
    /** The start of the window that `count` belongs to. */
    since_ms: integer().notNull(),
    blocked_ms: integer().notNull(),
    /** Until then, failures of other addresses do not block this address. */
    trusted_ms: integer().notNull(),
    /** After this time the row has no effect and can be deleted. */
    expires_ms: integer().notNull(),
  },
  (table) => [index('attempt_expiry').on(table.expires_ms)],
);

/** Mails to send. A job sends them, so that the time of a response does not depend on them. */
export const mails = sqliteTable(
  'mail',
  {
    id: id(),
    kind: text().notNull(),
    email: text().notNull(),
    tries: integer().notNull(),
    /** When it is sent, or sent again. */
    due_ms: integer().notNull(),
  },
  (table) => [unique('mail_kind_email').on(table.kind, table.email), index('mail_due').on(table.due_ms)],
);
