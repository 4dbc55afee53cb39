import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { product } from '../openapi/product.ts';
import type { TestLifetime } from './test-app.ts';

/** The user of a token. */
export interface TestUser {
  readonly sub: string;
  readonly scopes?: readonly string[];
}

/** An OpenID Connect issuer on loopback, which signs a token for every user. Write its URL to `auth.issuer`. */
export interface TestIssuer {
  readonly url: string;
  /** Signs an access token for five minutes. `claims` replace its claims, `header` the parameters of its header. */
  sign(user: TestUser, claims?: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Returns the headers of a request of a user. */
  as(user: TestUser): Promise<{ readonly authorization: string }>;
  /** The number of requests for its keys so far. */
  countKeyRequests(): number;
  /** Sets whether the issuer responds to each request with 503. */
  setAway(isAway: boolean): void;
  /** Signs with a new key from now on. The old key stays published. */
  rotate(): Promise<void>;
}

/** Starts an issuer of tokens for a test. It stops when the test ends. */
export async function createTestIssuer(t: TestLifetime): Promise<TestIssuer> {
  let isAway = false;
  let requests = 0;
  const published: object[] = [];
  let signing = await addKey();

  async function addKey() {
    const pair = await generateKeyPair('ES256');
    const kid = `key-${published.length + 1}`;
    published.push({ ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256', use: 'sig' });
    return { ...pair, kid };
  }

  const server = createServer((request, response) => {
    if (isAway) return void response.writeHead(503).end();
    const isKeys = request.url === '/keys';
    if (isKeys) requests += 1;
    const body = isKeys ? { keys: published } : { issuer: url, jwks_uri: `${url}/keys` };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.onTestFinished(() => void server.close().closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const sign: TestIssuer['sign'] = ({ sub, scopes = [] }, claims, header) => {
    const now = Math.floor(Date.now() / 1_000);
    const standard = { iss: url, aud: product.title, sub, client_id: 'test', iat: now, exp: now + 300 };
    return new SignJWT({ ...standard, scope: scopes.join(' '), ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: signing.kid, ...header })
      .sign(signing.privateKey);
  };
  return {
    url,
    sign,
    as: async (user) => ({ authorization: `Bearer ${await sign(user)}` }),
    countKeyRequests: () => requests,
    setAway(value) {
      isAway = value;
    },
    async rotate() {
      signing = await addKey();
    },
  };
}
