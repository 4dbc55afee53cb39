import { Type } from '@sinclair/typebox';
import { found, OkResponse, ok, ref, type ServiceScope } from '#framework';
import { requireAccount } from './caller.ts';
import {
  credentialMissing,
  emailTaken,
  hashesBusy,
  passwordCommon,
  passwordWrong,
  registrationClosed,
  userNotFound,
} from './errors.ts';
import type { Options } from './options.ts';
import {
  Accepted,
  NewUser,
  PasswordChange,
  User,
  UserCreate,
  UserId,
  UserQuery,
  UserUpdate,
} from './schemas.ts';
import { anyUser, open } from './session-routes.ts';
import type { Users } from './users.ts';

const administrator = { security: [{ bearer: ['auth:admin'] }] };

export function addUserRoutes(app: ServiceScope, users: Users, { register, mail }: Options): void {
  app.post(
    '/users/',
    {
      schema: {
        operationId: 'registerUser',
        summary: 'Register',
        description:
          'If the server sends mail, the response is always 202, and a mail says whether the address had an account. Otherwise it is 200 or 409.',
        ...open,
        // With an idempotency key, a fast hash of the body, and so of the password, would be stored.
        secret: true,
        body: ref(UserCreate),
        response: { 200: ref(NewUser, 'The new user'), 202: ref(Accepted) },
        errors: [registrationClosed, emailTaken, passwordCommon, hashesBusy],
      },
    },
    async ({ body, clientAddress }, reply) => {
      if (register !== 'open') throw registrationClosed();
      const user = await users.register(body.email, body.password, clientAddress);
      if (mail !== undefined) return reply.code(202).send({ accepted: true as const });
      return found(user, emailTaken);
    },
  );

  app.get(
    '/users/',
    {
      schema: {
        operationId: 'listUsers',
        summary: 'List users',
        ...administrator,
        querystring: UserQuery,
        response: { 200: Type.Array(ref(User), { description: 'Users, in the order of `sort`' }) },
      },
    },
    ({ query }) => users.list(query),
  );

  app.patch(
    '/users/:user_id',
    {
      schema: {
        operationId: 'updateUser',
        summary: 'Change the scopes of a user, or block it',
        ...administrator,
        params: UserId,
        body: ref(UserUpdate),
        response: { 200: ref(User, 'The user as it is now') },
        errors: [userNotFound],
      },
    },
    async ({ params, body }) => found(await users.change(params.user_id, body), userNotFound),
  );

  app.get(
    '/me',
    {
      schema: {
        operationId: 'readMe',
        summary: 'Read your user',
        ...{ ...anyUser, errors: [credentialMissing, userNotFound] },
        response: { 200: ref(User, 'The user') },
      },
    },
    async () => found(await users.find(requireAccount().id), userNotFound),
  );

  app.put(
    '/me/password',
    {
      schema: {
        operationId: 'changePassword',
        summary: 'Change your password, which ends your other sessions',
        ...anyUser,
        body: ref(PasswordChange),
        response: { 200: { ...OkResponse, description: 'The password is changed' } },
        errors: [credentialMissing, passwordWrong, userNotFound, passwordCommon, hashesBusy],
      },
    },
    async ({ body, clientAddress }) => {
      const { id, session } = requireAccount();
      return ok(await users.changePassword(id, body, { address: clientAddress, session }), userNotFound);
    },
  );
}
