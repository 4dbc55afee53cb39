import { Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import { OkResponse, ok, ref, type ServiceScope } from '#framework';
import { requireAccount } from './caller.ts';
import { credentialMissing, hashesBusy, loginFailed, refreshFailed, sessionNotFound } from './errors.ts';
import { Credentials, RefreshToken, Session, SessionId, Tokens } from './schemas.ts';
import type { Client, Sessions } from './sessions.ts';

/** A route that needs no token. */
export const open = { security: [] };
/** A route that needs a valid token, with any scopes. */
export const anyUser = { security: [{ bearer: [] }], errors: [credentialMissing] };

export function addSessionRoutes(app: ServiceScope, sessions: Sessions): void {
  const description = 'Many failures slow down further tries of the same address for the same account (429).';
  const logIn = {
    ...open,
    description,
    secret: true,
    body: ref(Credentials),
    response: { 200: ref(Tokens, 'The session and its tokens') },
    errors: [loginFailed, hashesBusy],
  };
  const paths = {
    '/sessions/': { operationId: 'createSession', summary: 'Log in' },
    '/login': { operationId: 'logIn', summary: 'Log in: the same as POST /sessions/' },
  };
  for (const [path, names] of Object.entries(paths))
    app.post(path, { schema: { ...names, ...logIn } }, async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return sessions.logIn(request.body, clientOf(request));
    });

  app.post(
    '/sessions/refresh',
    {
      schema: {
        operationId: 'refreshSession',
        summary: 'Get a new access token',
        description:
          'Replaces the refresh token. The previous one works for 10 s, or with the `Idempotency-Key` of the request that replaced it. Any other use of an old one ends the session.',
        ...open,
        secret: true,
        body: ref(RefreshToken),
        response: { 200: ref(Tokens, 'The new tokens') },
        errors: [refreshFailed],
      },
    },
    async ({ body, headers }, reply) => {
      reply.header('cache-control', 'no-store');
      const key = headers['idempotency-key'];
      return sessions.refresh(body.refresh_token, key === undefined ? undefined : String(key));
    },
  );

  const list = { 200: Type.Array(ref(Session), { description: 'Sessions, the oldest first' }) };
  app.get(
    '/sessions/',
    { schema: { operationId: 'listSessions', summary: 'List your sessions', ...anyUser, response: list } },
    async () => {
      const { id, session } = requireAccount();
      const all = await sessions.list(id);
      return all.map((one) => ({ ...one, is_current: one.id === session }));
    },
  );

  app.delete(
    '/sessions/',
    {
      schema: {
        operationId: 'endSessions',
        summary: 'Log out everywhere: end all your sessions',
        ...anyUser,
        response: { 200: OkResponse },
      },
    },
    async () => {
      await sessions.endAll(requireAccount().id);
      return { ok: true as const };
    },
  );

  const errors = [credentialMissing, sessionNotFound];
  app.delete(
    '/sessions/current',
    {
      schema: {
        operationId: 'endCurrentSession',
        summary: 'Log out: end the session of the access token',
        ...{ ...anyUser, errors },
        response: { 200: OkResponse },
      },
    },
    async () => {
      const { id, session } = requireAccount();
      return ok(session !== undefined && (await sessions.end(session, id)), sessionNotFound);
    },
  );
  app.delete(
    '/sessions/:session_id',
    {
      schema: {
        operationId: 'endSession',
        summary: 'End one of your sessions',
        ...{ ...anyUser, errors },
        params: SessionId,
        response: { 200: OkResponse },
      },
    },
    async ({ params }) => ok(await sessions.end(params.session_id, requireAccount().id), sessionNotFound),
  );
}

/** Returns what a session keeps of its client. A header has no character that a database could not store. */
function clientOf({ clientAddress, headers }: Pick<FastifyRequest, 'clientAddress' | 'headers'>): Client {
  return { address: clientAddress, agent: (headers['user-agent'] ?? '').slice(0, 200) };
}
