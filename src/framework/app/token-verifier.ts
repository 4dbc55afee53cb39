import { createBuiltInIssuer, createExternalIssuer } from '../auth/issuer.ts';
import type { FetchKeys } from '../auth/key-set.ts';
import { createTokenVerifier, type VerifyCredential } from '../auth/token-verifier.ts';
import { openPeer } from '../calls/client.ts';
import type { Config } from '../config/config.ts';
import { runInContext } from '../context/context.ts';
import { createFeedReader } from '../events/read-feed.ts';
import { product } from '../openapi/product.ts';
import { rejectEndedSessions, sessionEnded } from './ended-sessions.ts';

/** ms for a response of the issuer. */
const timeoutMs = 5_000;

export interface OpenedVerifier {
  readonly verify: VerifyCredential;
  /** Whether the last request for the keys of the issuer failed. */
  isAway(): boolean;
  close(): Promise<void>;
}

/**
 * Creates the verification of the tokens that the config accepts. The options `issuer` and `audience` of the service that
 * issues them say what it writes into them.
 * @param caller the name of this app, as the issuer sees it.
 * @param originOf returns the origin of a service.
 * @param headersTo returns the headers that identify this app to a service.
 */
export function openTokenVerifier(
  {
    issuer,
    audience,
    claim = 'scope',
    services,
  }: Exclude<Config['auth'], false | undefined> & Pick<Config, 'services'>,
  caller: string,
  originOf: (service: string) => string,
  headersTo: (service: string) => Readonly<Record<string, string>>,
): OpenedVerifier {
  const written = services[issuer]?.options;
  const accepted = { audience: audience ?? String(written?.audience ?? product.title), claim };
  if (issuer.includes(':')) {
    const { isAway, ...external } = createExternalIssuer(issuer);
    return { verify: createTokenVerifier({ ...external, ...accepted }), isAway, close: async () => {} };
  }
  const { get, close } = openPeer(issuer, {
    service: caller,
    origin: () => originOf(issuer),
    contract: undefined,
    deadline: timeoutMs,
    headers: headersTo(issuer),
  });
  // Reads outside of the context of the running request, because its deadline must not end a read that all requests
  // share.
  const read = (path: string, ms: number) => runInContext(undefined, () => get(path, ms));
  const fetchKeys: FetchKeys = async () => {
    const { status, content } = await read('/.well-known/jwks.json', timeoutMs);
    if (status !== 200) throw new Error(`status ${status}`);
    return JSON.parse(content);
  };
  const { isAway, ...builtIn } = createBuiltInIssuer(String(written?.issuer ?? issuer), fetchKeys);
  const verify = createTokenVerifier({ ...builtIn, ...accepted });
  return { verify: rejectEndedSessions(verify, createFeedReader(read, [sessionEnded])), isAway, close };
}
