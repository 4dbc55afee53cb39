/** The services of the tests of events, for servers in processes of their own: see `event-project.ts`. */
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeReader, note } from '../../framework/events/services.ts';

const { HANDLER_MS = '0', HANDLED_FILE = '', POISON_FILE = '' } = process.env;

export { note };

/** Its handler takes up to HANDLER_MS, fails for `poison` while POISON_FILE exists, and lists its runs in HANDLED_FILE. */
export const reader = makeReader({
  async handle(event, write) {
    const { text } = event.data as { text: string };
    if (HANDLER_MS !== '0') await sleep(Math.random() * Number(HANDLER_MS));
    if (text.startsWith('poison') && existsSync(POISON_FILE)) throw new Error('bad note');
    appendFileSync(HANDLED_FILE, `${process.pid} ${text}\n`);
    return () => write(event);
  },
});
