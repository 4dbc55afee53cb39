import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { services } from '#generated/services.ts';
import { makeFolder } from '../../support/app.ts';
import {
  copyProject,
  fakeCommand,
  outcome,
  pathWith,
  root,
  startProcess,
  writeConfig,
} from '../process/helper.ts';

/** The services with a database. */
const known = Object.keys(services).join(', ');

// Each test starts several processes, which is slow while the cores are busy.
vi.setConfig({ testTimeout: 180_000 });

const script = join(root, 'run.sh');
const { scripts, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
  version: string;
};

test.for([
  { args: ['--nope'], message: 'run.sh: Unknown option --nope: see ./run.sh --help\n' },
  { args: ['nope'], message: 'run.sh: Unknown command nope: see ./run.sh --help\n' },
  { args: ['start.', '--help'], message: 'run.sh: Unknown command start.: see ./run.sh --help\n' },
  { args: ['dev', 'nope'], message: 'run.sh: Unknown argument nope: see ./run.sh --help\n' },
  { args: ['dev', '--all'], message: 'run.sh: Unknown option --all: see ./run.sh --help\n' },
  { args: ['--all', '--app', 'pet'], message: 'run.sh: Expected --all or --app, not both\n' },
  { args: ['--config'], message: 'run.sh: Missing value of --config: see ./run.sh --help\n' },
  { args: ['--config', '/nowhere.yaml'], message: 'run.sh: /nowhere.yaml: there is no such file\n' },
  // `--pretty` is an option of both commands.
  { args: ['--pretty', '--config=/nowhere.yaml'], message: 'run.sh: /nowhere.yaml: there is no such file\n' },
  {
    args: ['dev', '--pretty', '--config=/nowhere.yaml'],
    message: 'run.sh: /nowhere.yaml: there is no such file\n',
  },
])('ends with 2 and one line on $args, before the setup', async ({ args, message }, t) => {
  const running = startProcess(t, script, args);
  expect((await running.ended).code).toBe(2);
  expect(running.output()).toBe(message);
});

test('prints help and the version', async (t) => {
  const help = await outcome(startProcess(t, script, ['--help']));
  expect(help.code).toBe(0);
  for (const word of ['--config FILE', '--app NAME', '--all', '--pretty', '--node', '--version'])
    expect(help.output).toContain(`\n  ${word}`);
  for (const name of Object.keys(scripts)) expect(help.output).toMatch(new RegExp(`^  ${name} `, 'm'));
  expect(await outcome(startProcess(t, script, ['--version'], { cwd: '/' }))).toEqual({
    code: 0,
    output: `${version}\n`,
  });
  expect((await outcome(startProcess(t, script, ['dev', '-h']))).code).toBe(0);
});

test.for(Object.keys(scripts))(
  'prints the help of %s and ends with 0, even with an old Node',
  {
    timeout: 60_000,
  },
  async (command, t) => {
    const project = copyProject(t);
    for (const folder of ['test', 'tools', 'bench']) symlinkSync(join(root, folder), join(project, folder));
    const node = fakeCommand(t, 'node', 'echo v20.20.2');
    const { code, output } = await outcome(
      startProcess(t, join(project, 'run.sh'), [command, '--help'], { env: { PATH: pathWith(node) } }),
    );
    expect(output).toMatch(/Usage: \.\/run\.sh/);
    expect(output).toMatch(command === 'start' ? /--version/ : new RegExp(`Usage: \\./run\\.sh ${command}`));
    expect(code).toBe(0);
  },
);

test('passes a command and its arguments to the npm script of that name, under the right Node', async (t) => {
  const project = copyProject(t);
  const { folder, file } = writeConfig(t);
  const node = fakeCommand(t, 'node', 'echo v20.20.2');
  const env = { PATH: pathWith(node) };
  const execute = (...args: string[]) =>
    outcome(startProcess(t, join(project, 'run.sh'), args, { cwd: folder, env }));

  // A relative path is relative to the folder of the caller.
  const status = await execute('migrate', 'status', 'pet', '--config', relative(folder, file));
  expect(status).toEqual({ code: 0, output: 'pet: 0000_initial pending\npet: 0001_sort_indexes pending\n' });
  expect((await execute('migrate', 'apply', `--config=${relative(folder, file)}`)).code).toBe(0);
  const backup = await execute('backup', 'copies', 'pet', '--config', file);
  expect(backup.output).toContain(`backed up to ${join(folder, 'copies')}`);
  expect(backup.code).toBe(0);
  expect(existsSync(join(folder, 'copies/manifest.json'))).toBe(true);
  expect(existsSync(join(project, 'copies'))).toBe(false);

  const wrong = await execute('migrate', 'status', "it's $(this)");
  expect(wrong).toEqual({
    code: 2,
    output: `it's $(this) is not a service with a database (known: ${known})\n`,
  });
});

test.for([
  { version: 'v18.20.4', isUsed: false },
  { version: 'v20.20.2', isUsed: false },
  { version: 'v22.18.9', isUsed: false },
  { version: 'v22.19.0', isUsed: true },
  { version: 'v23.11.1', isUsed: false },
  { version: 'v24.0.0', isUsed: true },
  { version: 'v26.1.0', isUsed: true },
])('uses the installed Node only if it is new enough: $version', async ({ version, isUsed }, t) => {
  const project = copyProject(t);
  const folder = fakeCommand(t, 'node', `echo ${version}`);
  const { code, output } = await outcome(
    startProcess(t, join(project, 'run.sh'), ['--node'], { env: { PATH: pathWith(folder) } }),
  );
  expect(output).toBe(`${isUsed ? join(folder, 'node') : process.execPath}\n`);
  expect(code).toBe(0);
});

test('installs the dependencies again only if the lock file has changed', async (t) => {
  const project = copyProject(t);
  const npm = fakeCommand(t, 'npm', `echo "$PWD $1" >>${join(project, 'calls')}`);
  const env = { PATH: pathWith(npm, dirname(process.execPath)) };
  const status = async () => {
    const { file } = writeConfig(t);
    const status = startProcess(t, join(project, 'run.sh'), ['migrate', 'status', '--config', file], { env });
    expect((await status.ended).code).toBe(0);
    const calls = existsSync(join(project, 'calls')) ? readFileSync(join(project, 'calls'), 'utf8') : '';
    return calls.split('\n').filter((line) => line === `${project} ci`).length;
  };
  expect(await status()).toBe(0);
  const lock = join(project, 'package-lock.json');
  // A new name of the project changes no dependency.
  writeFileSync(lock, readFileSync(lock, 'utf8').replaceAll('"name": "modular-monolith"', '"name": "shop"'));
  expect(readFileSync(lock, 'utf8')).not.toBe(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  expect(await status()).toBe(0);
  appendFileSync(lock, '\n');
  expect(await status()).toBe(1);
  expect(await status()).toBe(1);
  // The debugger of the editor starts this program.
  expect(readlinkSync(join(project, 'node_modules/.node'))).toBe(process.execPath);
});

test.for(['SIGTERM', 'SIGINT'] as const)(
  '%s during the setup ends the setup, and run.sh ends with 0',
  async (signal, t) => {
    const project = copyProject(t);
    appendFileSync(join(project, 'package-lock.json'), '\n');
    const npm = fakeCommand(t, 'npm', '[ "$1" = ci ] || exit 0; echo "npm is $$"; exec sleep 600');
    const env = { PATH: pathWith(npm, dirname(process.execPath)) };
    const running = startProcess(t, join(project, 'run.sh'), ['migrate', 'status'], { env });
    const [, pid] = await running.waitForOutput(/npm is (\d+)/);
    running.child.kill(signal);
    expect(await running.ended).toEqual({ code: 0, signal: null });
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  },
);

describe('stays in its own folder', () => {
  /** Creates another project, whose node_modules a setup in the wrong folder would delete. */
  function makeForeign(t: TestContext, name: string): string {
    const foreign = join(makeFolder(t), name);
    mkdirSync(join(foreign, 'node_modules'), { recursive: true });
    writeFileSync(join(foreign, 'package.json'), '{"scripts": {"start": "node index.js"}}\n');
    writeFileSync(join(foreign, 'package-lock.json'), '{}\n');
    return foreign;
  }

  /** Runs a command that needs the setup. Resolves with its result and every call of npm. */
  async function status(t: TestContext, command: string, options: { cwd: string; env?: NodeJS.ProcessEnv }) {
    const { file } = writeConfig(t);
    const calls = join(makeFolder(t), 'calls');
    const npm = fakeCommand(t, 'npm', `echo "$PWD $*" >>${calls}`);
    const env = { PATH: pathWith(npm, dirname(process.execPath)), ...options.env };
    const running = startProcess(t, command, ['migrate', 'status', 'pet', '--config', file], {
      ...options,
      env,
    });
    return { ...(await outcome(running)), npm: existsSync(calls) ? readFileSync(calls, 'utf8') : '' };
  }
  const pending = { code: 0, output: 'pet: 0000_initial pending\npet: 0001_sort_indexes pending\n', npm: '' };

  test('when it is started through links', async (t) => {
    const project = copyProject(t);
    const foreign = makeForeign(t, 'foreign');
    mkdirSync(join(foreign, 'bin'));
    symlinkSync(join(project, 'run.sh'), join(foreign, 'bin/absolute'));
    symlinkSync('bin/absolute', join(foreign, 'run.sh'));
    expect(await status(t, join(foreign, 'run.sh'), { cwd: foreign })).toEqual(pending);
    expect(await status(t, './run.sh', { cwd: foreign })).toEqual(pending);
  });

  test('when CDPATH contains a folder of the same name', async (t) => {
    const project = copyProject(t);
    const foreign = makeForeign(t, 'project');
    const folder = makeFolder(t);
    symlinkSync(project, join(folder, 'project'));
    const options = { cwd: folder, env: { CDPATH: dirname(foreign) } };
    expect(await status(t, 'project/run.sh', options)).toEqual(pending);
  });

  test('and does not set up the folder of another project', async (t) => {
    const foreign = makeForeign(t, 'foreign');
    writeFileSync(join(foreign, 'run.sh'), readFileSync(script));
    chmodSync(join(foreign, 'run.sh'), 0o755);
    expect(await status(t, join(foreign, 'run.sh'), { cwd: '/' })).toEqual({
      code: 2,
      output: `run.sh: ${foreign} is not the project's folder: start run.sh from there\n`,
      npm: '',
    });
  });
});

test('generates before the start only if a source has changed', async (t) => {
  const project = copyProject(t);
  const { file } = writeConfig(t);
  const start = async () => {
    const server = startProcess(t, join(project, 'run.sh'), ['--config', file], { cwd: '/' });
    await server.waitForOutput(/"msg":"listening"/);
    server.child.kill('SIGTERM');
    // The signal reaches the server, and run.sh ends with its exit code.
    expect((await server.ended).code).toBe(0);
    expect(server.output()).toContain('"signal":"SIGTERM","msg":"stopping"');
    return server.output();
  };
  rmSync(join(project, 'generated/api.d.ts'));
  expect(await start()).toContain('generated/api.d.ts\n');
  expect(await start()).not.toContain('generated/');

  const routes = join(project, 'src/services/pet/routes.ts');
  writeFileSync(routes, readFileSync(routes, 'utf8').replace('Create a pet', 'Make a pet'));
  expect(await start()).toContain('generated/pet/openapi.json\n');
  expect(readFileSync(join(project, 'generated/openapi.json'), 'utf8')).toContain('Make a pet');
});

test('dev restarts only on a change of a source or the config', async (t) => {
  const project = copyProject(t);
  const { folder, file } = writeConfig(t);
  const dev = startProcess(t, join(project, 'run.sh'), ['dev', '--config', file]);
  const starts = () => dev.output().split('"msg":"listening"').length - 1;
  const waitForStarts = async (times: number) => {
    const deadline = Date.now() + 60_000;
    while (starts() < times && Date.now() < deadline) await sleep(50);
    expect(starts()).toBe(times);
    await sleep(300); // for its file watcher
  };
  await waitForStarts(1);
  appendFileSync(join(project, 'src/services/pet/routes.ts'), '// a change\n');
  await waitForStarts(2);
  appendFileSync(file, '# a change\n');
  await waitForStarts(3);
  appendFileSync(join(project, 'generated/pet/openapi.json'), '\n');
  appendFileSync(join(folder, 'logs/gateway.jsonl'), '\n');
  await sleep(1000);
  expect(starts()).toBe(3);
  // An error is printed, and the next change starts the server.
  const index = join(project, 'src/services/pet/index.ts');
  const correct = readFileSync(index, 'utf8');
  writeFileSync(index, `${correct}\nthrow new Error('broken');\n`);
  await dev.waitForOutput(/waiting for a change/);
  writeFileSync(index, correct);
  await waitForStarts(4);
  dev.child.kill('SIGINT');
  expect((await dev.ended).code).toBe(0);
});
