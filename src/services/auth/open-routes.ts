import { OkResponse, ok, ref, type ServiceScope } from '#framework';
import { hashesBusy, mailNotConfigured, passwordCommon, resetNotFound } from './errors.ts';
import type { Options } from './options.ts';
import type { PasswordResets } from './password-resets.ts';
import { Accepted, Discovery, KeySet, PasswordReset, ResetRequest } from './schemas.ts';
import { open } from './session-routes.ts';
import { keySetMaxAge, type SigningKeys } from './signing-keys.ts';

/** Adds the routes that reset a password by mail. */
export function addResetRoutes(app: ServiceScope, resets: PasswordResets, { mail }: Options): void {
  app.post(
    '/password-resets/',
    {
      schema: {
        operationId: 'requestPasswordReset',
        summary: 'Order a mail with a link that sets a new password',
        description:
          'The response is the same for an email without an account. The link works once, for 30 minutes.',
        ...open,
        body: ref(ResetRequest),
        response: { 202: ref(Accepted) },
        errors: [mailNotConfigured],
      },
    },
    async ({ body, clientAddress }, reply) => {
      if (mail === undefined) throw mailNotConfigured();
      await resets.request(body.email, clientAddress);
      return reply.code(202).send({ accepted: true as const });
    },
  );

  app.put(
    '/password-resets/',
    {
      schema: {
        operationId: 'resetPassword',
        summary: 'Set a new password with the token of a mail, which ends all sessions',
        ...open,
        body: ref(PasswordReset),
        response: { 200: { ...OkResponse, description: 'The password is changed' } },
        errors: [resetNotFound, passwordCommon, hashesBusy],
      },
    },
    async ({ body }) => ok(await resets.complete(body.token, body.password), resetNotFound),
  );
}

/** Adds the routes with the public keys and the configuration, for verifiers of tokens. */
export function addDiscoveryRoutes(app: ServiceScope, keys: SigningKeys, { issuer }: Options): void {
  const cache = `public, max-age=${keySetMaxAge}`;
  const jwksPath = '/.well-known/jwks.json';
  const isUrl = /^https?:/.test(issuer);

  app.get(
    jwksPath,
    {
      schema: {
        operationId: 'readKeySet',
        summary: 'Read the keys that verify access tokens',
        ...open,
        response: { 200: ref(KeySet, 'The keys: a JWK set (RFC 7517)') },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', cache);
      return { keys: await keys.listPublic() };
    },
  );

  app.get(
    '/.well-known/openid-configuration',
    {
      schema: {
        operationId: 'readDiscovery',
        summary: 'Read the issuer and where its keys are',
        ...open,
        response: { 200: ref(Discovery, 'The configuration, as in OpenID Connect Discovery') },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', cache);
      return {
        issuer,
        jwks_uri: isUrl ? `${issuer.replace(/\/$/, '')}${jwksPath}` : `${app.prefix}${jwksPath}`,
        // There is no authorization endpoint.
        response_types_supported: [],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
        access_token_signing_alg_values_supported: ['ES256'],
      };
    },
  );
}
