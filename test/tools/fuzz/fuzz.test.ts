import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, type TestContext, test } from 'vitest';
import { createBoxService, type Violation, violations } from '../../../tools/fuzz/box-service.ts';
import { fuzz } from '../../../tools/fuzz/fuzz.ts';
import { findLogErrors } from '../../../tools/fuzz/log-lines.ts';
import { recipes } from '../../../tools/fuzz/recipes.ts';
import { listFailures } from '../../../tools/fuzz/report.ts';
import { startServer } from '../../../tools/fuzz/server.ts';
import { type Sent, toCurl } from '../../../tools/fuzz/wire.ts';
import { createTestApp } from '../../support/app.ts';
import { startListening } from '../../support/listening.ts';

test('2,000 requests find no violation of the contract, and no error in the log', {
  timeout: 240_000,
}, async (t) => {
  const server = await startServer();
  t.onTestFinished(async () => void (await server.stop()));
  const report = await fuzz({ url: server.url, seed: 20, requests: 2_000, recipes });
  expect(listFailures(report)).toEqual([]);
  expect(report.requests).toBeGreaterThanOrEqual(2_000);
  expect(server.ended()).toBeUndefined();
  expect(findLogErrors(await server.stop(), report.exchanges, server.services)).toEqual([]);
});

async function fuzzBoxes(t: TestContext, violation: Violation, seed = 1) {
  const { url } = await createTestApp(t, {
    services: [createBoxService(violation)],
    config: { log: { level: 'silent' } },
  });
  return fuzz({ url, seed, requests: 500 });
}

test('an unknown service is fuzzed by its contract', async (t) => {
  const report = await fuzzBoxes(t, 'none');
  expect(listFailures(report)).toEqual([]);
  expect([...report.reached.keys()]).toContain('POST /box/boxes/{box_id}/open');
});

test('each of the 20 further rounds for a missing response has every kind of request', async (t) => {
  const { exchanges, missing } = await fuzzBoxes(t, 'a status that never comes');
  expect(missing).toEqual(['GET /box/boxes/{box_id} 410']);
  // The requests of each undocumented method are a kind, and the last kinds of an operation.
  const rejected = exchanges.filter(
    ({ sent, status }) => status === 405 && /^\/box\/boxes\/[^/]+$/.test(sent.path),
  );
  const counts = Object.values(Object.groupBy(rejected, ({ sent }) => sent.method));
  expect(counts.length).toBeGreaterThan(2);
  for (const some of counts) expect(some?.length).toBeGreaterThanOrEqual(20);
});

test('the same seed sends the same requests, and another seed sends others', async (t) => {
  const sent = async (seed: number) =>
    (await fuzzBoxes(t, 'none', seed)).exchanges.map(({ sent, status }) => ({
      ...sent,
      body: String(sent.body),
      status,
    }));
  const first = await sent(1);
  expect(await sent(1)).toEqual(first);
  expect(await sent(2)).not.toEqual(first);
});

describe('the fuzzer detects a service with', () => {
  const bad = Object.keys(violations).filter((name) => name !== 'none') as Violation[];

  test.for(bad)('%s', async (violation, t) => {
    const [failure, ...others] = listFailures(await fuzzBoxes(t, violation)).map((one) =>
      one.replace(/^[A-Z]+ \/\S+: /, ''),
    );
    expect(failure).toMatch(violations[violation] as RegExp);
    expect(others).toEqual([]);
  });

  test('an internal error, and finds a small request that causes it', async (t) => {
    const { finding } = await fuzzBoxes(t, 'an internal error');
    expect(finding?.curl).toHaveLength(1);
    expect(finding?.curl[0]).toContain(`printf '{"label":"\\134u0000","size":1}' |`);
    const { stdout } = await promisify(execFile)('bash', ['-c', finding?.curl[0] as string]);
    expect(stdout).toMatch(/^HTTP\/1\.1 500 /);
  });

  test('deleted things that can be read, and prints the request that deleted one first', async (t) => {
    const { finding } = await fuzzBoxes(t, 'deleted things that can be read');
    expect(finding?.curl).toHaveLength(2);
    expect(finding?.curl[0]).toContain('-X DELETE');
  });
});

test('a command for bash sends the same bytes as the request', async (t) => {
  const got: Sent[] = [];
  const server = createServer(async (request, reply) => {
    const body = await buffer(request);
    const { 'x-odd': odd = '', 'content-type': type = 'none' } = request.headers as Record<string, string>;
    got.push({
      method: request.method as string,
      path: request.url as string,
      headers: { 'x-odd': odd, type },
      body,
    });
    reply.end();
  });
  const { url } = await startListening(t, server);
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const bodies = [
    everyByte,
    Buffer.from(`'%s\\n"$x\``),
    Buffer.from('{}'.padEnd(200_000)),
    Buffer.alloc(0),
    undefined,
  ];
  for (const body of bodies) {
    const path = `/a/../%00'"$x{1,2}[1-3]?x='&y=!\\`;
    const sent = { method: 'PATCH', path, headers: { 'x-odd': `'"$(x) \u00e9` }, body };
    await promisify(execFile)('bash', ['-c', toCurl(url, sent)]);
    expect(got.pop()).toEqual({
      ...sent,
      headers: { ...sent.headers, type: 'none' },
      body: body ?? Buffer.alloc(0),
    });
  }
});

describe('the check of a log finds', () => {
  const sent: Sent = { method: 'GET', path: '/a?b', headers: {}, body: undefined };
  const exchanges = [{ sent, status: 200, requestId: 'x' }];
  const line = {
    ...{ level: 'info', time: '2024-12-18T21:03:51.790Z', service: 'pet', reqId: 'x' },
    ...{ method: 'GET', path: '/a', status: 200, msg: 'request' },
  };
  const good = JSON.stringify(line);
  const create = (changes: object) => JSON.stringify({ ...line, reqId: 'y', ...changes });

  test('no error in a correct log', () => {
    expect(findLogErrors([good, create({ path: '/","msg":"forged' })], exchanges, ['pet'])).toEqual([]);
  });

  test.for([
    ['an entry that is not JSON', [good, 'forged'], /^an entry is not a JSON object/],
    ['an entry that is not an object', [good, '"forged"'], /^an entry is not a JSON object/],
    ['an empty line', [good, ''], /^an entry is not a JSON object/],
    ['a control character', [good, create({ path: '/\u009b31m' })], /^an entry has a control character/],
    ['an unknown level', [good, create({ level: 'loud' })], /^an entry has no level/],
    ['an unknown service', [good, create({ service: 'forged' })], /^an entry has an unknown service/],
    ['an invalid time', [good, create({ time: 'now' })], /^an entry has no time/],
    ['an invalid id', [good, create({ reqId: 'a b' })], /^an entry has an invalid id/],
    [
      'content of a request outside of path',
      [good, create({ msg: 'forged' })],
      /^an entry has content of a request/,
    ],
    [
      'a repeated key',
      [good, good.replace('{', '{"msg":"x",').replace('"x"}', '"y"}')],
      /^an entry has a key twice/,
    ],
    ['a request without an entry', [], /^GET \/a\?b 200 \(x\) has 0 entries/],
    ['a request with two entries', [good, good], /^GET \/a\?b 200 \(x\) has 2 entries/],
    ['an entry with another status', [good.replace('200', '404')], /^GET \/a\?b 200 \(x\) has 0 entries/],
  ] as const)('%s', ([, lines, message]) => {
    const found = findLogErrors(lines, exchanges, ['pet']);
    expect(found.join('\n')).toMatch(message);
  });
});
