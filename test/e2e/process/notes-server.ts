/**
 * A server with the notes service of the tests of idempotency keys, for tests that kill it: `node notes-server.ts HOW
 * FILE`. If HOW is `hang`, handlers that wait never continue.
 */
import { writeSync } from 'node:fs';
import type { TestContext } from 'vitest';
import { makeNotes } from '../../framework/idempotency/helper.ts';
import { createTestApp } from '../../support/app.ts';

const [how, file] = process.argv.slice(2);
const print = (line: string) => void writeSync(1, `${line}\n`);
const stage = {
  runs: [],
  async wait() {
    print('a handler waits');
    if (how === 'hang') await new Promise(() => {});
  },
};
const unlimited = { onTestFinished() {} } as unknown as TestContext;
const { url } = await createTestApp(unlimited, {
  services: [makeNotes(stage)],
  config: { services: { note: { database: `sqlite:${file}` } } },
});
print(`the server listens at ${url}`);
