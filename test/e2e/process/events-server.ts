/**
 * A server of the services that the tests of events have, for tests that end it: `node events-server.ts APP CONFIG`.
 * CONFIG is JSON. The handler takes some time before its effect, so that it can be killed in between.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import type { AnyService } from '../../../src/framework/testing/layout.ts';
import { startApp } from '../../framework/events/helper.ts';
import { makeReader, note } from '../../framework/events/services.ts';

const [app = '', config = ''] = process.argv.slice(2);
const reader = makeReader({
  async handle(event, write) {
    await sleep(Math.random() * 4);
    return () => write(event);
  },
});
const untilItIsKilled = { onTestFinished() {} } as unknown as TestContext;
const services = [note as unknown as AnyService, reader];
const { url } = await startApp(untilItIsKilled, { services, app, config: JSON.parse(config) });
writeSync(1, `${app} listens at ${url}\n`);
