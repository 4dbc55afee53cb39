import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, type TestContext, test } from 'vitest';
import { sendRequest } from '../../support/app.ts';
import { waitFor } from '../groupings/helper.ts';
import { createEventProject, type EventProject } from '../process/event-project.ts';
import { expectOnce } from './event-helpers.ts';

/** How long the producer is away, in s: `EVENTS_AWAY` in the environment. */
const awaySeconds = Number(process.env.EVENTS_AWAY ?? 3);
/** Events that are emitted meanwhile, and subjects beside the one whose event fails. */
const missed = Number(process.env.EVENTS_MISSED ?? 2_000);
const subjects = Number(process.env.EVENTS_SUBJECTS ?? 200);

const name = (index: number) => `n${index}`;

async function readyOf({ addressOf }: EventProject): Promise<string[]> {
  return (await sendRequest(`${addressOf('readers')}/ready`, 'GET')).body.degraded;
}

test(`a producer that is away for ${awaySeconds} s: ${missed} events are handled afterwards, in order and once`, {
  timeout: 300_000 + awaySeconds * 1_000,
}, async (t) => {
  const project = await createEventProject(t, { layout: 'split' });
  const { start, end, addNotes, hiddenUrl } = project;
  await start('notes');
  await start('readers');
  expect(await addNotes('a', ['before'])).toBe(200);
  await waitFor(async () => (await project.listEffects()).includes('before'));
  await end('notes', 'SIGTERM');
  const awaySince = performance.now();
  // The producer emits events at an address that the consumer does not know.
  await start('notes', { isHidden: true });
  const texts = Array.from({ length: missed }, (_, index) => `0:${index}`);
  for (let index = 0; index < missed; index += 100)
    expect(await addNotes('a', texts.slice(index, index + 100), hiddenUrl)).toBe(200);
  await sleep(Math.max(0, awaySeconds * 1_000 - (performance.now() - awaySince)));
  expect(await project.listEffects()).toEqual(['before']);
  if (awaySeconds > 62)
    expect(await readyOf(project)).toContainEqual(expect.stringMatching(/^events of note are \d+ s late$/));
  await end('notes', 'SIGTERM');
  await start('notes');
  const numbers = await expectOnce(project, { acknowledged: [texts] });
  console.log(`away for ${awaySeconds} s: ${JSON.stringify(numbers)}`);
  expect(await project.listEffects()).toEqual(['before', ...texts]);
  await waitFor(async () => (await readyOf(project)).length === 0);
  const { body } = await sendRequest(`${project.addressOf('readers')}/metrics`, 'GET');
  expect(body).toContain('events_handled_total{service="reader",peer="note",outcome="failed"} 0');
});

/** One event for each subject, one that fails amid them, and later ones of its subject. */
async function startWithPoison(t: TestContext) {
  const project = await createEventProject(t, { layout: 'split' });
  const { start, addNotes, poisonFile, listEffects } = project;
  writeFileSync(poisonFile, '');
  await start('notes');
  await start('readers');
  const add = async (subject: string, ...texts: string[]) => expect(await addNotes(subject, texts)).toBe(200);
  for (let index = 0; index < subjects; index += 1) {
    if (index === Math.floor(subjects / 2)) await add('bad', 'poison', 'second');
    await add(`s${index}`, name(index));
  }
  await add('bad', 'third');
  const flowing = Array.from({ length: subjects }, (_, index) => name(index));
  await waitFor(async () => (await listEffects()).length >= subjects);
  expect(await listEffects(), 'all other subjects go on, in order').toEqual(flowing);
  await waitFor(async () => (await project.run('parked')).split('\n').length >= 4);
  const parked = await project.run('parked');
  expect(parked.trim().split('\n')).toEqual([
    expect.stringMatching(/^\w+-\d+ note\.added bad of note in reader: failed: bad note$/),
    ...Array(2).fill(
      expect.stringMatching(/^\w+-\d+ note\.added bad of note in reader: waits for an earlier event$/),
    ),
  ]);
  expect(await readyOf(project)).toEqual([expect.stringMatching(/^event \S+ of note is parked$/)]);
  const id = parked.split(' ')[0] as string;
  // The cause is not fixed, so the event stays parked.
  expect(await project.run('retry', id)).toBe(`reader handles ${id} again\n`);
  const log = () => project.process('readers').output();
  await waitFor(() => log().includes('the handler of a parked event failed: the event stays parked'));
  return { ...project, id, flowing, add };
}

test.for([
  ['retry', 'handles', ' again', ['poison', 'second', 'third']],
  ['skip', 'skips', '', ['second', 'third']],
] as const)(
  `an event that fails amid ${subjects} subjects waits with its subject until \`events %s\``,
  {
    timeout: 300_000,
  },
  async ([command, verb, end, effects], t) => {
    const { run, id, flowing, add, poisonFile, listEffects, ...project } = await startWithPoison(t);
    if (command === 'retry') rmSync(poisonFile);
    expect(await run(command, id)).toBe(`reader ${verb} ${id}${end}\n`);
    await waitFor(async () => (await listEffects()).length >= flowing.length + effects.length);
    await add('bad', 'fourth');
    await waitFor(async () => (await listEffects()).includes('fourth'));
    expect(await listEffects()).toEqual([...flowing, ...effects, 'fourth']);
    expect(await run('parked')).toBe('no event is parked\n');
    expect(await run('status')).toMatch(
      /^reader consumes note: at (\S+), newest \1, run by process \d+ on \S+, 0 parked\n$/,
    );
    await waitFor(async () => (await readyOf(project as never)).length === 0);
  },
);
