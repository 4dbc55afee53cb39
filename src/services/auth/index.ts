import { defineService } from '#framework';
import { createMailer } from './mailer.ts';
import { addDiscoveryRoutes, addResetRoutes } from './open-routes.ts';
import { Options } from './options.ts';
import { createParts } from './parts.ts';
import { createPasswordResets } from './password-resets.ts';
import { authEvents, schemas } from './schemas.ts';
import { addSessionRoutes } from './session-routes.ts';
import { createSessions } from './sessions.ts';
import { addUserRoutes } from './user-routes.ts';
import { createUsers } from './users.ts';

export default defineService({
  name: 'auth',
  description: 'Accounts, logins and access tokens. Other services verify the tokens by its public keys.',
  // A route without `security` needs `auth:read`: the feed of events is one.
  scopes: {
    'auth:admin': 'Read and change all accounts',
    'auth:read': 'Read which sessions have ended',
  },
  schemas,
  events: authEvents,
  options: Options,
  migrations: new URL('./migrations/', import.meta.url),
  routes(app, { database, emit, options, onStart, job }) {
    const parts = createParts(database, emit, options);
    const { accounts, sessions, mails, throttle, keys } = parts;
    addSessionRoutes(app, createSessions(parts));
    addUserRoutes(app, createUsers(parts), options);
    addResetRoutes(app, createPasswordResets(parts), options);
    addDiscoveryRoutes(app, keys, options);

    onStart(() => keys.ensure());
    if (options.mail !== undefined) {
      const mailer = createMailer(mails, accounts, options.mail);
      job('send mails', { everyMs: 1_000 }, (signal) => mailer.sendDue(signal));
    }
    job('remove what has expired', { everyMs: 60_000 }, async (signal) => {
      await mails.pruneResets(Date.now());
      await keys.prune();
      // Each write removes up to 1,000 rows, so that other writes need not wait for long.
      for (const prune of [() => sessions.prune(Date.now()), throttle.prune])
        while (!signal.aborted && (await prune()).changes > 0);
    });
  },
});
