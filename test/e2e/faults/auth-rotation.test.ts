import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeProtectedHeader } from 'jose';
import { expect, test } from 'vitest';
import { findFreePort, makeFolder, sendRequest } from '../../support/app.ts';
import { authService } from '../../support/auth-service.ts';
import { main, root, startProcess } from '../process/helper.ts';

/** Seconds for which the issuer is away; `AUTH_AWAY` in the environment. */
const awaySeconds = Number(process.env.AUTH_AWAY ?? 5);
const alice = { email: 'alice@example.com', password: 'three brown kettles' };

test.skipIf(authService === undefined)(
  `no request fails while a key is replaced, and while the issuer is away for ${awaySeconds} s`,
  {
    timeout: 120_000 + awaySeconds * 1_000,
  },
  async (t) => {
    const [gateway, auth] = [await findFreePort(), await findFreePort()];
    const file = join(makeFolder(t), 'config.yaml');
    const options = { register: 'open', scopes: ['pet:read'] };
    const config = {
      auth: { issuer: 'auth' },
      internal: { key: 'a-key-of-the-test-apps' },
      limits: { wait: 60_000 },
      services: { auth: { database: 'sqlite:auth.db', options }, pet: { database: 'sqlite::memory:' } },
      apps: { gateway: { port: gateway, services: ['pet'] }, auth: { port: auth, services: ['auth'] } },
    };
    writeFileSync(file, JSON.stringify(config));
    const start = async (app: string) => {
      const started = startProcess(t, process.execPath, [main, '--config', file, '--app', app]);
      await started.waitForOutput(/"msg":"listening"/);
      return started;
    };
    let issuer = await start('auth');
    await start('gateway');
    const url = `http://127.0.0.1:${gateway}`;
    const rotate = async () => {
      const args = [join(root, 'scripts/auth.ts'), 'rotate', '--now', '--config', file];
      expect((await startProcess(t, process.execPath, args).ended).code).toBe(0);
    };

    expect((await sendRequest(`${url}/auth/users/`, 'POST', alice)).status).toBe(200);
    let tokens = (await sendRequest(`${url}/auth/login`, 'POST', alice)).body;
    const outcomes = new Map<number, number>();
    let isOver = false;
    let refreshes = 0;
    const load = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const { status } = await sendRequest(`${url}/pet/pets/`, 'GET', undefined, {
          authorization: `Bearer ${tokens.access_token}`,
        });
        outcomes.set(status, (outcomes.get(status) ?? 0) + 1);
        await sleep(5);
      }
    });
    const refresh = async () => {
      const { refresh_token } = tokens;
      const { status, body } = await sendRequest(`${url}/auth/sessions/refresh`, 'POST', { refresh_token });
      expect(status).toBe(200);
      tokens = body;
      refreshes += 1;
    };

    // The verifier has read the next key with the current one. `--now`, because 20 minutes have not passed.
    await refresh();
    await rotate();
    for (let count = 0; count < 10; count += 1) await refresh().then(() => sleep(50));
    issuer.child.kill('SIGTERM');
    expect((await issuer.ended).code).toBe(0);
    await sleep(awaySeconds * 1_000);
    issuer = await start('auth');
    // The new process signs with the new key.
    const before = decodeProtectedHeader(tokens.access_token).kid;
    await refresh();
    expect(decodeProtectedHeader(tokens.access_token).kid).not.toBe(before);
    await sleep(500);
    isOver = true;
    await Promise.all(load);
    expect([...outcomes.keys()]).toEqual([200]);
    expect(outcomes.get(200)).toBeGreaterThan(100);
    expect(refreshes).toBe(12);
  },
);
