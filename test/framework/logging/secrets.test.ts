import { Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { getLogger } from '../../../src/framework/logging/logger.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { createTestApp, sendRequest as sendTo } from '../../support/app.ts';
import { createExampleAppAt, isAccess, type PlacedExampleApp, places } from '../../support/example-app-at.ts';
import { exchange } from '../../support/sockets.ts';
import { until } from '../../support/until.ts';

const secret = 'hunter2-xyzzy';
const encoded = Buffer.from(`user:${secret}`).toString('base64');
const headers: Readonly<Record<string, string>> = {
  authorization: `Basic ${encoded}`,
  'proxy-authorization': `Bearer ${secret}`,
  cookie: `session=${secret}`,
  'set-cookie': `session=${secret}`,
  'x-api-key': secret,
  'x-auth-token': secret,
  'x-csrf-token': secret,
  'x-forwarded-for': secret,
  forwarded: `for=${secret}`,
  'x-request-id': `${secret}.`,
  'user-agent': secret,
  referer: `http://example/?token=${secret}`,
};
const query = `?a=1&token=${secret}&password=${secret}&api_key=${secret}&limit=`;
const keys = {
  password: secret,
  token: secret,
  secret,
  authorization: secret,
  nested: { api_key: [secret] },
};

const requests: readonly (readonly [what: string, method: string, path: string, body?: unknown])[] = [
  ['a success', 'GET', `/pet/pets/${query}1`],
  ['a success across services', 'GET', `/user/users/1${query}1`],
  ['a page', 'GET', `/${query}1`],
  ['an unknown route', 'GET', `/pet/nowhere${query}1`],
  ['an unknown route of the gateway', 'POST', `/nowhere${query}1`, keys],
  ['a method that is not allowed', 'PUT', `/user/users/${query}1`, keys],
  ['an invalid query', 'GET', `/pet/pets/${query}${secret}`],
  ['an unknown user', 'GET', `/user/users/999${query}1`],
  ['a valid body', 'POST', `/user/users/${query}1`, { name: 'Bob', ...keys }],
  ['an invalid body', 'POST', `/pet/pets/${query}1`, { name: [secret], species: keys, age: secret, ...keys }],
  ['a body that is a string', 'POST', `/pet/pets/${query}1`, JSON.stringify(secret)],
  ['a body that is not JSON', 'POST', `/pet/pets/${query}1`, `{"password": ${secret}`],
  ['a body that is only a secret', 'PATCH', `/user/users/1${query}1`, secret],
  ['a body that is too large', 'POST', `/pet/pets/${query}1`, `"${secret}${'x'.repeat(70_000)}"`],
  ['a prototype', 'POST', `/pet/pets/${query}1`, `{"__proto__": {"password": "${secret}"}}`],
  ['a URL that cannot be decoded', 'GET', `/pet/%zz${query}1`],
  ['a URL that is too long', 'GET', `/pet/pets/${query}1${'x'.repeat(9_000)}`],
];

describe('no log entry, response or document contains a secret that a client sends', () => {
  test.for(places)('pets %s', async (place, t) => {
    const built = await createExampleAppAt(t, place, { config: { log: { level: 'trace' } } });
    const { url, send } = built;
    await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    await send('POST', '/user/users/', { name: 'Alice' });
    await send('POST', '/user/users/1/pets/1');
    const check = (what: string, text: string) => {
      expect(text, what).not.toContain(secret);
      expect(text, what).not.toContain(encoded);
    };
    for (const [what, method, path, body] of requests) {
      const reply = await sendTo(`${url}${path}`, method, body, { ...headers });
      expect(reply.status, what).toBeLessThan(500);
      check(what, JSON.stringify([...reply.headers, reply.body]));
    }
    for (const bytes of [
      // Secrets in malformed requests.
      `GET /pet/pets/ HTTP/1.1\r\nhost: localhost\r\nauthorization: ${secret}\r\npassword ${secret}\r\n\r\n`,
      `${secret} / HTTP/1.1\r\nhost: localhost\r\n\r\n`,
      `GET /pet/pets/ ${secret}\r\n\r\n`,
      `CONNECT user:${secret}@example:80 HTTP/1.1\r\nhost: localhost\r\n\r\n`,
      `GET http://user:${secret}@example/pet/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
      `GET /pet/?token=${secret}#token=${secret} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
      `GET /pet/#token=${secret} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
      `GET /pet/ HTTP/1.1\r\nhost: user:${secret}@x\r\n\r\n`,
      `GET /pet/ HTTP/1.1\r\nhost: localhost\r\ncookie: ${secret}${'x'.repeat(40_000)}\r\n\r\n`,
      `POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n${secret}\r\n\r\n`,
      `POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${secret}\r\nconnection: close\r\ncontent-length: 1\r\n\r\n{`,
    ]) {
      const responses = await exchange(t, url, bytes);
      expect(responses, bytes.slice(0, 200)).toHaveLength(1);
      check(bytes.slice(0, 200), JSON.stringify(responses.map((one) => [...one.headers, one.body])));
    }
    for (const path of [
      '/openapi.json',
      '/pet/openapi.json',
      '/user/openapi.json',
      '/docs',
      '/ready',
      '/health',
    ]) {
      check(path, JSON.stringify((await send('GET', path)).body));
    }
    await until(() => expect(countAccess(built)).toBeGreaterThan(requests.length));
    check('the log', built.everyRawLog().join(''));
  });
});

test('a service that logs complete requests logs no secret', async (t) => {
  const careless = defineService({
    name: 'careless',
    description: 'Logs complete requests.',
    routes(scope) {
      const schema = { operationId: 'take', body: Type.Object({}), response: { 200: Type.Object({}) } };
      scope.post('/take', { schema: { ...schema, hide: true } }, async (request) => {
        const { headers, body, query } = request;
        getLogger().info({ req: request, request }, 'taken');
        getLogger().info(request, 'taken');
        getLogger().child({ headers }).info({ headers, body, query }, 'taken');
        getLogger().warn({ err: Object.assign(new Error('taken'), { request: { headers, body, query } }) });
        return {};
      });
    },
  });
  const { send, rawLogs } = await createTestApp(t, {
    services: [careless],
    config: { log: { level: 'trace' } },
  });
  const shown = ['x-forwarded-for', 'forwarded', 'user-agent', 'referer', 'x-request-id'];
  const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => !shown.includes(name)));
  const { status } = await send('POST', `/careless/take?token=${secret}&api_key=${secret}`, keys, sent);
  expect(status).toBe(200);
  await until(() => expect(rawLogs.join('')).toContain('"msg":"request"'));
  expect(rawLogs.join('')).toContain('"query":{"token":"[redacted]","api_key":"[redacted]"}');
  expect(rawLogs.join('')).toContain('"request":"[');
  expect(rawLogs.join('')).not.toContain(secret);
  expect(rawLogs.join('')).not.toContain(encoded);
});

describe('a client cannot forge or break a log entry', () => {
  const forged = '{"level":"fatal","service":"forged","msg":"request"}';
  const texts: Readonly<Record<string, string>> = {
    'an entry': `\n${forged}\n`,
    'an entry, CRLF': `\r\n${forged}\r\n`,
    'the end of a string': `","service":"forged","msg":"forged`,
    'the end of an object': `"}\n${forged}`,
    'a backslash': '\\',
    'an escaped quote': '\\"}\\n',
    'terminal colors': '\x1b[2J\x1b[31mforged\x1b[0m',
    'a bell, a backspace, a delete': '\x07\b\x7f',
    'line separators': '\u2028\u2029\u0085',
    'a C1 terminal escape': '\u009b31m',
    'a NUL': 'a\0b',
    'a lone surrogate': '\ud800',
    'a long string': 'x'.repeat(6_000),
  };

  test.for(places)('pets %s', async (place, t) => {
    const built = await createExampleAppAt(t, place, { config: { log: { level: 'trace' } } });
    const { url, send } = built;
    await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    let sent = 1;
    for (const [what, text] of Object.entries(texts)) {
      const escaped = encodeURIComponent(text.toWellFormed());
      const requests: [string, string, unknown?][] = [
        ['GET', `/pet/${escaped}`],
        ['GET', `/pet/pets/${escaped}`],
        ['GET', `/user/users/?limit=${escaped}`],
        ['GET', `/${escaped}?${escaped}`],
        ['POST', '/pet/pets/', { name: text, species: 'dog' }],
        ['POST', '/user/users/', { name: text, [text]: text }],
        ['POST', '/pet/pets/', text],
      ];
      for (const [method, path, body] of requests) {
        const { status } = await send(method, path, body);
        expect(status, `${what}: ${method} ${path}`).toBeLessThan(500);
        sent += 1;
      }
      // The same text without an escape, in each place of a request. Most of this is not valid HTTP.
      for (const bytes of [
        `GET /pet/${text} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
        `GET /pet/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-request-id: ${text}\r\n\r\n`,
        `GET /pet/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nuser-agent: ${text}\r\n\r\n`,
        `GET /pet/ HTTP/1.1\r\nhost: ${text}\r\nconnection: close\r\n\r\n`,
        `${text} / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
      ]) {
        const responses = await exchange(t, url, `${bytes}\r\n\r\n`);
        expect(responses.length, JSON.stringify(bytes)).toBeGreaterThan(0);
      }
    }
    await until(() => expect(countAccess(built)).toBeGreaterThanOrEqual(sent));
    for (const raw of built.everyRawLog()) {
      // The entry is one line without control characters.
      expect(raw.endsWith('}\n'), raw).toBe(true);
      expect(raw.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      expect(raw.length).toBeLessThan(20_000);
      expect(raw.match(/"service":"/g), raw).toHaveLength(1);
      const line = JSON.parse(raw);
      expect(['gateway', 'pet', 'user']).toContain(line.service);
      expect(['trace', 'debug', 'info', 'warn']).toContain(line.level);
      expect(line.msg).not.toContain('forged');
      if (line.reqId !== undefined) expect(line.reqId).toMatch(/^[\w-]{1,64}$/);
    }
  });
});

function countAccess({ everyLog }: PlacedExampleApp): number {
  return everyLog().filter(isAccess).length;
}
