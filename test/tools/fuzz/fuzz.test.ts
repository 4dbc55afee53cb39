import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, type TestContext, test } from 'vitest';
import { createBoxService, type Fault, faults } from '../../../tools/fuzz/box-service.ts';
import { fuzz } from '../../../tools/fuzz/fuzz.ts';
import { findLogFaults } from '../../../tools/fuzz/log-lines.ts';
import { recipes } from '../../../tools/fuzz/recipes.ts';
import { listFailures } from '../../../tools/fuzz/report.ts';
import { startServer } from '../../../tools/fuzz/server.ts';
import { type Sent, toCurl } from '../../../tools/fuzz/wire.ts';
import { createTestApp } from '../../support/app.ts';

test('1,000 requests find every answer as documented, and every line of the log in its own words', async (t) => {
  const server = await startServer();
  t.onTestFinished(async () => void (await server.stop()));
  const report = await fuzz({ url: server.url, seed: 20, requests: 1_000, recipes });
  expect(listFailures(report)).toEqual([]);
  expect(report.requests).toBeGreaterThanOrEqual(1_000);
  expect(server.ended()).toBeUndefined();
  expect(findLogFaults(await server.stop(), report.exchanges, server.services)).toEqual([]);
});

async function fuzzBoxes(t: TestContext, fault: Fault, seed = 1) {
  const { url } = await createTestApp(t, {
    services: [createBoxService(fault)],
    config: { log: { level: 'silent' } },
  });
  return fuzz({ url, seed, requests: 500 });
}

test('a service that it does not know is fuzzed as it comes', async (t) => {
  const report = await fuzzBoxes(t, 'none');
  expect(listFailures(report)).toEqual([]);
  expect([...report.reached.keys()]).toContain('POST /box/boxes/{box_id}/open');
});

test('the same seed sends the same requests, another one others', async (t) => {
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

describe('it finds a service with', () => {
  const bad = Object.keys(faults).filter((fault) => fault !== 'none') as Fault[];

  test.for(bad)('%s', async (fault, t) => {
    const [failure, ...others] = listFailures(await fuzzBoxes(t, fault)).map((one) =>
      one.replace(/^[A-Z]+ \/\S+: /, ''),
    );
    expect(failure).toMatch(faults[fault] as RegExp);
    expect(others).toEqual([]);
  });

  test('an error of its own, and makes the request that shows it small', async (t) => {
    const { finding } = await fuzzBoxes(t, 'an error of its own');
    expect(finding?.curl).toHaveLength(1);
    expect(finding?.curl[0]).toContain(`printf '{"label":"\\134u0000","size":1}' |`);
    const { stdout } = await promisify(execFile)('bash', ['-c', finding?.curl[0] as string]);
    expect(stdout).toMatch(/^HTTP\/1\.1 500 /);
  });

  test('deleted things that can be read, and shows the request that deleted it first', async (t) => {
    const { finding } = await fuzzBoxes(t, 'deleted things that can be read');
    expect(finding?.curl).toHaveLength(2);
    expect(finding?.curl[0]).toContain('-X DELETE');
  });
});

test('a command for bash sends what was sent, byte by byte', async (t) => {
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
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
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

describe('of a log it finds', () => {
  const sent: Sent = { method: 'GET', path: '/a?b', headers: {}, body: undefined };
  const exchanges = [{ sent, status: 200, requestId: 'x' }];
  const line = {
    ...{ level: 'info', time: '2024-12-18T21:03:51.790Z', service: 'pet', reqId: 'x' },
    ...{ method: 'GET', path: '/a', status: 200, msg: 'request' },
  };
  const good = JSON.stringify(line);
  const say = (changes: object) => JSON.stringify({ ...line, reqId: 'y', ...changes });

  test('nothing where nothing is', () => {
    expect(findLogFaults([good, say({ path: '/","msg":"forged' })], exchanges, ['pet'])).toEqual([]);
  });

  test.for([
    ['a line that is no JSON', [good, 'forged'], /^a line is no JSON object/],
    ['a line that is no object', [good, '"forged"'], /^a line is no JSON object/],
    ['an empty line', [good, ''], /^a line is no JSON object/],
    ['a control character', [good, say({ path: '/\u009b31m' })], /^a line has a control character/],
    ['a level that is none', [good, say({ level: 'loud' })], /^a line has no level/],
    ['a service that there is not', [good, say({ service: 'forged' })], /^a line has no service/],
    ['a time that is none', [good, say({ time: 'now' })], /^a line has no time/],
    ['an id that is none', [good, say({ reqId: 'a b' })], /^a line has an id that is none/],
    ['what was sent as its own', [good, say({ msg: 'forged' })], /^a line says what was sent/],
    [
      'a key twice',
      [good, good.replace('{', '{"msg":"x",').replace('"x"}', '"y"}')],
      /^a line has a key twice/,
    ],
    ['a request without a line', [], /^GET \/a\?b 200 \(x\) has 0 lines/],
    ['a request with two', [good, good], /^GET \/a\?b 200 \(x\) has 2 lines/],
    ['a line of another status', [good.replace('200', '404')], /^GET \/a\?b 200 \(x\) has 0 lines/],
  ] as const)('%s', ([, lines, fault]) => {
    const found = findLogFaults(lines, exchanges, ['pet']);
    expect(found.join('\n')).toMatch(fault);
  });
});
