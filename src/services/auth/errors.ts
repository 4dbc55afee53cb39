import { defineProblem, Problem } from '#framework';

/** One text for an unknown account, a wrong password and a blocked account. */
export const loginFailed = defineProblem(401, 'login-failed', 'The email or the password is wrong');
/** One text for a refresh token that is malformed, unknown, used before, or of a session that has ended. */
export const refreshFailed = defineProblem(
  401,
  'refresh-failed',
  'The refresh token is not valid: log in again',
);
export const credentialMissing = defineProblem(
  401,
  'credential-missing',
  'This needs an access token of an account',
);
export const passwordWrong = defineProblem(403, 'password-wrong', 'The old password is wrong');
export const registrationClosed = defineProblem(
  403,
  'registration-closed',
  'An administrator creates the accounts of this server',
);
export const userNotFound = defineProblem(404, 'user-not-found', 'User not found');
export const sessionNotFound = defineProblem(404, 'session-not-found', 'Session not found');
export const resetNotFound = defineProblem(
  404,
  'password-reset-not-found',
  'The link was used before, or is older than 30 minutes',
);
export const mailNotConfigured = defineProblem(
  404,
  'mail-not-configured',
  'This server sends no mail: ask an administrator for a new password',
);
export const emailTaken = defineProblem(409, 'email-taken', 'An account with this email exists');
export const passwordCommon = defineProblem(
  422,
  'password-common',
  'The password is easy to guess: choose another one',
);
export const hashesBusy = defineProblem(503, 'hashes-busy', 'Too many passwords are being checked');

/** 429: too many tries. The response is the same for known and unknown accounts. */
export function tooManyTries(waitMs: number): Problem {
  const type = 'urn:problem-type:too-many-tries';
  const headers = { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) };
  return new Problem(429, 'Too many tries: wait before the next one', { type, headers });
}
