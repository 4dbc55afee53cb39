/**
 * A server of the notes that the tests of idempotency keys have, for tests that end it: `node notes-server.ts HOW FILE`.
 * With HOW `hang`, handlers that wait never go on.
 */
import { writeSync } from 'node:fs';
import type { TestContext } from 'vitest';
import { makeNotes } from '../../framework/idempotency/helper.ts';
import { createTestApp } from '../../support/app.ts';

const [how, file] = process.argv.slice(2);
const say = (line: string) => void writeSync(1, `${line}\n`);
const stage = {
  runs: [],
  async wait() {
    say('it waits');
    if (how === 'hang') await new Promise(() => {});
  },
};
const untilItIsKilled = { onTestFinished() {} } as unknown as TestContext;
const { url } = await createTestApp(untilItIsKilled, {
  services: [makeNotes(stage)],
  config: { services: { note: { database: `sqlite:${file}` } } },
});
say(`it listens at ${url}`);
