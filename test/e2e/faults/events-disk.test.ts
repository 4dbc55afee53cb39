import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sendRequest } from '../../support/app.ts';
import { waitFor } from '../groupings/helper.ts';
import { createEventProject } from '../process/event-project.ts';
import { canMount, fillDisk, mount } from './disk-helpers.ts';
import { expectOnce, startEventLoad } from './event-helpers.ts';

const lines = (output: string, text: string) => output.split('\n').filter((line) => line.includes(text));

test.skipIf(!canMount).for([
  ['consumer', 'readers', 'reader'],
  ['producer', 'notes', 'note'],
] as const)(
  'after the disk of the %s was full, each acknowledged event has its effect once',
  {
    timeout: 300_000,
  },
  async ([side, victim, service], t) => {
    const project = await createEventProject(t, {
      layout: 'split',
      url: (name) => `sqlite:${name === service ? 'disk' : 'data'}/${name}.db`,
      wrap(app, command, folder) {
        if (app !== victim) return command;
        const disk = join(folder, 'disk');
        mkdirSync(disk, { recursive: true });
        const script = 'mount -t tmpfs -o size=8m tmpfs "$0" && exec "$@"';
        return ['unshare', ...mount, script, disk, ...command];
      },
    });
    const { start, addNotes, listEffects, addressOf } = project;
    await start('notes');
    await start('readers');
    const load = startEventLoad(project);
    await load.goesOn(20);
    const inside = join(`/proc/${project.process(victim).child.pid}/root`, project.folder, 'disk');
    for (let round = 0; round < 2; round += 1) {
      fillDisk(join(inside, 'filler'), 8);
      // The write-ahead log has some room left, which a large write needs up.
      const large = () => Array.from({ length: 100 }, () => randomUUID().padEnd(200, '.'));
      if (side === 'producer') {
        await waitFor(async () => (await addNotes('b', large())) === 507);
        const before = load.statuses.get(507) ?? 0;
        await waitFor(() => (load.statuses.get(507) ?? 0) > before + 10);
      } else {
        // The effects stop, while the producer goes on.
        await waitFor(async () => {
          await addNotes('b', large());
          const before = (await listEffects()).length;
          await load.goesOn(50);
          return (await listEffects()).length === before;
        });
      }
      for (const app of ['notes', 'readers'] as const)
        expect((await sendRequest(`${addressOf(app)}/health`, 'GET')).status).toBe(200);
      rmSync(join(inside, 'filler'));
      await load.goesOn(20);
    }
    await load.stop();
    const numbers = await expectOnce(project, load);
    console.log(
      `the disk of the ${side} was full: ${JSON.stringify({ ...numbers, ...Object.fromEntries(load.statuses) })}`,
    );
    expect([...load.statuses.keys()].filter((status) => ![200, 503, 507].includes(status))).toEqual([]);
    if (side === 'consumer') expect(numbers['handlers ran again']).toBeGreaterThan(0);
    // It waited, and used up no tries.
    const { body } = await sendRequest(`${addressOf('readers')}/metrics`, 'GET');
    expect(body).toContain('outcome="failed"} 0\n');
    expect(body).toContain('outcome="parked"} 0\n');
    expect(lines(project.process('readers').output(), '"level":"error"')).toEqual([]);
  },
);
