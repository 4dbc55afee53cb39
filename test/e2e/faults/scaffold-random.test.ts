import { randomInt } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test, vi } from 'vitest';
import { findFreePort } from '../../support/app.ts';
import { startPostgres } from '../../support/postgres-server.ts';
import { root, startProcess } from '../process/helper.ts';
import { openProject } from './scaffold-helper.ts';
import { createLists } from './scaffold-lists.ts';

// A batch takes some minutes, and a busy machine many more.
vi.setConfig({ testTimeout: 7_200_000 });

const seed = Number(process.env.SCAFFOLD_SEED ?? randomInt(2 ** 31));
const lists = createLists(seed, Number(process.env.SCAFFOLDS ?? 3));
/** The services of one copy of the project: they share what is slow. */
const batchSize = 5;
const batches = Array.from({ length: Math.ceil(lists.length / batchSize) }, (_, index) =>
  lists.slice(index * batchSize, (index + 1) * batchSize),
);

type Project = ReturnType<typeof openProject>;

/**
 * Lets `new` and `remove` skip the check of types and the new test, which run once for all services of the batch.
 * Returns a function that undoes it.
 */
function skipSlowSteps({ folder }: Project): () => void {
  const programs = join(folder, 'node_modules/.bin');
  const all = join(root, 'node_modules/.bin');
  rmSync(programs);
  mkdirSync(programs);
  for (const name of readdirSync(all)) {
    if (name === 'tsc' || name === 'vitest')
      writeFileSync(join(programs, name), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    else symlinkSync(join(all, name), join(programs, name));
  }
  return () => {
    rmSync(programs, { recursive: true });
    symlinkSync(all, programs);
  };
}

/** Gives the apps of config.split.yaml free ports, and every second new service a PostgreSQL database. */
async function arrangeSplit(
  { folder }: Project,
  services: readonly string[],
  postgres: string,
): Promise<void> {
  const file = join(folder, 'config.split.yaml');
  // On a busy machine, calls would exceed the deadline.
  let text = readFileSync(file, 'utf8').replace('deadline: 1000 ', 'deadline: 60000 ');
  for (const [, port = ''] of text.matchAll(/port: (\d+)/g))
    text = text.replace(`port: ${port}`, `port: ${await findFreePort()}`);
  for (const name of services.filter((_, index) => index % 2 === 0))
    text = text.replace(`sqlite:data/${name}.db`, postgres);
  writeFileSync(file, text);
}

/** Starts every app of config.split.yaml. Resolves with the URL of the gateway when all of them serve. */
async function startSplit(t: TestContext, project: Project, services: readonly string[]) {
  const args = ['scripts/start-all.ts', '--config', 'config.split.yaml'];
  const running = startProcess(t, process.execPath, args, { cwd: project.folder });
  const [, url = ''] = await running.waitForOutput(/"url":"(http:[^"]+)","msg":"listening"/);
  for (const service of services)
    await t.expect
      .poll(async () => (await fetch(`${url}/${service}/ready`)).status, { timeout: 300_000 })
      .toBe(200);
  return { url, running };
}

test.concurrent.for(batches.map((batch, index) => [index * batchSize, batch] as const))(
  `services of random fields from number %i on (SCAFFOLD_SEED=${seed}) pass the checks, their tests and the fuzzer`,
  async ([start, batch], t) => {
    const project = openProject(t);
    const { folder, run, changes, commit, program } = project;
    const undo = skipSlowSteps(project);
    const names = batch.map((_, index) => `toy${start + index}`);
    for (const [index, { fields, flags }] of batch.entries()) {
      const before = index === 0 ? 'pet.Pet' : `toy${start + index - 1}.Toy${start + index - 1}`;
      const text = `${fields}, before:${before}${index % 2 === 0 ? '' : '?'}`;
      const { code, output } = await run(
        'new',
        'service',
        names[index] as string,
        '--fields',
        text,
        ...flags,
      );
      expect([text, code, output]).toEqual([text, 0, expect.any(String)]);
      commit();
    }
    undo();
    const succeeds = async (...command: [string, ...string[]]) => {
      const { code, output } = await program(...command);
      expect([command.join(' '), code, code === 0 ? '' : output]).toEqual([command.join(' '), 0, '']);
      console.log(`${command.join(' ')}: passed after ${Math.round(performance.now() / 1000)} s`);
    };
    await succeeds(process.execPath, 'scripts/check.ts');
    for (const database of ['services', 'postgres'])
      await succeeds('vitest', 'run', '--project', database, 'test/services/toy');
    const fuzz = ['tools/fuzz/run.ts', '--seed', String(seed), '--requests', String(500 * batch.length)];
    await succeeds(process.execPath, ...fuzz);
    const postgres = await startPostgres();
    t.onTestFinished(() => postgres.stop());
    await succeeds(process.execPath, ...fuzz, '--database', postgres.url);
    await arrangeSplit(project, names, postgres.url);
    const { url, running } = await startSplit(t, project, names);
    await succeeds(process.execPath, ...fuzz, '--url', url);
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 0 });

    await program('git', 'checkout', 'config.split.yaml');
    skipSlowSteps(project);
    for (const [index, name] of [...names.entries()].reverse()) {
      if (index > 0) {
        const used = await run('remove', 'service', names[index - 1] as string);
        const place = `in src/services/${name}/index.ts:`;
        expect(used).toEqual({ code: 2, output: expect.stringContaining(place) });
      }
      expect(await run('remove', 'service', name)).toMatchObject({ code: 0 });
      expect(existsSync(join(folder, `src/services/${name}`))).toBe(false);
      commit();
    }
    await succeeds('git', 'diff', '--exit-code', `HEAD~${2 * batch.length}`);
    expect(changes()).toBe('');
  },
);
