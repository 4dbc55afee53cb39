import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type LogEntry, sendRequest } from '../../support/app.ts';
import { main, sendHalf, startProcess, startServer, writeConfig } from './helper.ts';

function readLog(folder: string): LogEntry[] {
  const file = readFileSync(join(folder, 'logs/gateway.jsonl'), 'utf8');
  return file
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

test.for(['SIGTERM', 'SIGINT'] as const)('prints its addresses, and ends with 0 on %s', async (signal, t) => {
  const { folder, file } = writeConfig(t);
  const { child, ended, url, waitForOutput, output } = await startServer(t, file);
  await waitForOutput(/"url":"http:[^"]+\/docs","msg":"docs of all services"/);
  await waitForOutput(/"url":"http:[^"]+\/pet\/docs","msg":"docs of a service"/);
  await waitForOutput(/"url":"http:[^"]+\/user\/docs","msg":"docs of a service"/);
  expect((await sendRequest(`${url}/health`, 'GET')).body).toEqual({ status: 'OK' });

  child.kill(signal);
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(output()).toContain('"msg":"stopped"');
  // Closing the last connection removes the write-ahead log, so the databases were closed.
  expect(readdirSync(join(folder, 'data')).sort()).toEqual(['pet.db', 'user.db']);
});

test('a start that waits for a database ends with 0 on SIGTERM', async (t) => {
  const { file } = writeConfig(t);
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('sqlite:data/pet.db', 'postgres://postgres@127.0.0.1:1/away'));
  const { child, ended, waitForOutput } = startProcess(t, process.execPath, [main, '--config', file]);
  await waitForOutput(/waiting for the database: its server does not respond/);
  child.kill('SIGTERM');
  expect(await ended).toEqual({ code: 0, signal: null });
});

test('completes requests in flight, with their calls between services, and rejects later requests', async (t) => {
  const { file } = writeConfig(t);
  const { child, ended, url, waitForOutput } = await startServer(t, file);
  await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
  const { body: user } = await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
  await sendRequest(`${url}/user/users/${user.id}/pets/1`, 'POST');

  const half = await sendHalf(url, {
    method: 'PATCH',
    path: `/user/users/${user.id}`,
    body: { name: 'Alicia' },
  });
  // This connection is open, and sends its request only while the server stops.
  const late = connect(Number(new URL(url).port), '127.0.0.1');
  await once(late, 'connect');
  child.kill('SIGTERM');
  await waitForOutput(/"signal":"SIGTERM","msg":"stopping"/);
  late.write('GET /pet/pets/1 HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [rejection] = await once(late, 'data');
  expect(String(rejection)).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 1[\s\S]*The server is stopping/i);
  expect((await sendRequest(`${url}/health`, 'GET')).status).toBe(200);
  const ready = await sendRequest(`${url}/ready`, 'GET');
  expect(ready.status).toBe(503);
  expect(ready.body).toMatchObject({ detail: 'The server is stopping', checks: { 'pet.database': 'OK' } });

  const response = await half.finish();
  expect([response.status, response.headers.connection]).toEqual([200, 'close']);
  expect(response.body).toMatchObject({ name: 'Alicia', pets: [{ id: 1, name: 'Rex' }] });
  expect((await ended).code).toBe(0);
});

test('ends soon although 50 keep-alive clients send requests all the time', async (t) => {
  const { file } = writeConfig(t);
  const { child, ended, url } = await startServer(t, file);
  await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  t.onTestFinished(() => agent.destroy());
  const statuses = new Map<number, number>();
  let failed = 0;
  let isStopped = false;
  const send = () =>
    new Promise<void>((resolve) => {
      const sent = request(`${url}/pet/pets/1`, { agent }, (response) => {
        const status = response.statusCode ?? 0;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        response.resume().on('end', resolve).on('error', resolve);
      });
      sent.on('error', () => {
        failed += 1;
        resolve();
      });
      sent.end();
    });
  const clients = Array.from({ length: 50 }, async () => {
    while (!isStopped) await send();
  });
  await expect.poll(() => statuses.get(200) ?? 0).toBeGreaterThan(100);
  const start = performance.now();
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
  expect(performance.now() - start).toBeLessThan(8_000);
  isStopped = true;
  await Promise.all(clients);
  expect([...statuses.keys()].filter((status) => status !== 200 && status !== 503)).toEqual([]);
  expect(failed).toBeGreaterThan(0); // no process listens after the end
});

test('ends immediately on a second signal', async (t) => {
  const { file } = writeConfig(t);
  const { child, ended, url, waitForOutput } = await startServer(t, file);
  await sendHalf(url);
  child.kill('SIGTERM');
  await waitForOutput(/"signal":"SIGTERM","msg":"stopping"/);
  const start = performance.now();
  child.kill('SIGTERM');
  expect((await ended).code).not.toBe(0);
  expect(performance.now() - start).toBeLessThan(5_000);
});

test('loses no log entry on SIGTERM under load', async (t) => {
  const { folder, file } = writeConfig(t);
  const { child, ended, url } = await startServer(t, file);
  const answers = await Promise.all(
    Array.from({ length: 500 }, () => sendRequest(`${url}/pet/pets/`, 'GET')),
  );
  child.kill('SIGTERM');
  await ended;
  const ids = new Set(readLog(folder).flatMap(({ reqId }) => reqId ?? []));
  for (const { headers } of answers) expect(ids).toContain(headers.get('x-request-id'));
});

test.for([
  {
    cause: 'an uncaught exception',
    code: 'throw new Error("boom")',
    line: 'stopping after an uncaught error',
  },
  { cause: 'an unhandled rejection', code: 'void Promise.reject(new Error("boom"))', line: 'uncaught error' },
  { cause: 'process.exit', code: 'process.exit(3)', line: undefined },
])('loses no line on $cause', async ({ code, line }, t) => {
  const { folder, file } = writeConfig(t);
  // The signal makes the real server process fail while it has log entries to write.
  const later = `process.on('SIGIO', () => { ${code} })`;
  const { child, ended, url } = await startServer(t, file, {
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(later)}`,
  });
  const answers = await Promise.all(
    Array.from({ length: 300 }, () => sendRequest(`${url}/pet/pets/`, 'GET')),
  );
  child.kill('SIGIO');
  expect((await ended).code).toBe(line === undefined ? 3 : 1);
  const lines = readLog(folder);
  const ids = new Set(lines.flatMap(({ reqId }) => reqId ?? []));
  for (const { headers } of answers) expect(ids).toContain(headers.get('x-request-id'));
  if (line === undefined) return;
  const fatal = lines.find(({ level }) => level === 'fatal');
  expect(fatal?.service).toBe('gateway');
  expect(fatal?.msg).toContain(line);
  expect(JSON.stringify(fatal?.err)).toContain('boom');
});
