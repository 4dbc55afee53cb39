import { getCaller } from '#framework';
import { credentialMissing } from './errors.ts';

/**
 * Returns the account and the session of the access token of the request.
 * @throws {Problem} 401 if the caller is no account of this service.
 */
export function requireAccount(): { readonly id: number; readonly session: string | undefined } {
  const { kind, sub, session } = getCaller();
  if (kind !== 'user' || sub === undefined || !/^[1-9]\d{0,14}$/.test(sub)) throw credentialMissing();
  return { id: Number(sub), session };
}
