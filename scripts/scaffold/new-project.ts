/** Writes a new project: a product on a copy of this framework. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { readArguments, UsageError, usageError } from '../../src/framework/app/arguments.ts';
import { caller, root } from '../lib/command.ts';
import { type Framework, isForDevelopment, readFramework } from '../lib/framework-files.ts';
import { addService } from './config-text.ts';
import { example, writeManifest, writeReadme } from './project-files.ts';
import { quote } from './questions.ts';
import { writeServiceFiles } from './service-files.ts';
import { Steps } from './steps.ts';

export const projectHelp = `Usage: ./run.sh new project DIR [--bare] [--dry-run]

Writes a product of your own into a folder: the framework, an example service, configs, a
README.md and a package.json with the name of the folder, and a first commit. If a step fails,
nothing is written.

  DIR              a new or empty folder; its name becomes the name of the product
  --bare           without the example service
  --dry-run        print what would be written, and write nothing
  --help           this text
`;

/** Files that a product owns, and that are the same in each new product. */
const copied = ['.gitignore', 'package-lock.json', 'renovate.json', 'src/main.ts'];
const template = join(root, 'scripts/scaffold/project');

export async function newProject(args: string[]): Promise<void> {
  const { values, positionals } = readArguments(
    { bare: { type: 'boolean', default: false }, 'dry-run': { type: 'boolean', default: false } },
    1,
    args,
  );
  if (values.help) return console.log(projectHelp);
  const [given] = positionals;
  if (given === undefined) throw usageError('Missing DIR of the project');
  const folder = resolve(caller, given);
  expectFree(folder, given);
  const name = readName(folder);
  const framework = readFramework();
  const parts = `the framework ${framework.version}${values.bare ? '' : ' and the example service pet'}`;
  if (values['dry-run']) return console.log(`would write ${folder}: ${parts}`);
  const identity = await write(folder, name, framework, values.bare);
  console.log(`wrote ${folder}: ${parts}, with a first commit`);
  if (identity !== '')
    console.log(`Git knows no name and email of yours: the author of the commit is ${identity}`);
  console.log(`Start it:\ncd ${quote(relative(caller, folder) || '.')} && ./run.sh`);
}

/** @throws {UsageError} if the folder cannot take a project. */
function expectFree(folder: string, given: string): void {
  if (`${folder}${sep}`.startsWith(root))
    throw new UsageError(`${given} is in the folder of this project: choose another, such as ../pet-shop`);
  if (!existsSync(folder)) return;
  let entries: string[];
  try {
    entries = readdirSync(folder);
  } catch {
    throw new UsageError(`${given} is a file: choose a new folder`);
  }
  if (entries.length > 0) throw new UsageError(`${given} is not empty: choose a new folder`);
}

/** Returns the name of the folder, if npm accepts it as the name of a package. @throws {UsageError} */
function readName(folder: string): string {
  const name = basename(folder);
  if (/^[a-z0-9][a-z0-9._-]{0,99}$/.test(name) && !['node_modules', 'favicon.ico'].includes(name))
    return name;
  const shape = 'lower case letters, digits, "-", "_" and ".", such as pet-shop';
  throw new UsageError(
    `Expected a folder whose name is the name of a package: at most 100 ${shape}, not ${name}`,
  );
}

/** Returns the author that the commit got because git knows none, or ''. */
async function write(folder: string, name: string, framework: Framework, isBare: boolean): Promise<string> {
  const isNew = !existsSync(folder);
  const steps = new Steps(folder);
  let identity = '';
  await steps.run(
    async () => {
      copyFramework(folder, framework);
      for (const path of copied) cpSync(join(root, path), join(folder, path), { recursive: true });
      cpSync(template, folder, { recursive: true });
      writeFileSync(join(folder, 'README.md'), writeReadme(name, isBare));
      const manifest = readFileSync(join(root, 'package.json'), 'utf8');
      writeFileSync(join(folder, 'package.json'), writeManifest(manifest, name, framework));
      if (!isBare) writeExample(folder);
      await fill(steps, folder, isBare);
      identity = await commit(steps, folder, name);
    },
    () => {
      for (const entry of existsSync(folder) ? readdirSync(folder) : [])
        rmSync(join(folder, entry), { recursive: true, force: true });
      if (isNew) rmSync(folder, { recursive: true, force: true });
    },
  );
  return identity;
}

function copyFramework(folder: string, framework: Framework): void {
  const isLeftOut = (source: string) =>
    ['node_modules', '.DS_Store'].includes(basename(source)) ||
    isForDevelopment(framework, relative(root, source).replaceAll(sep, '/'));
  const paths = framework.paths.filter((path) => existsSync(join(root, path)));
  for (const path of [...paths, ...framework.development.except])
    cpSync(join(root, path), join(folder, path), {
      recursive: true,
      filter: (source) => !isLeftOut(source),
    });
}

function writeExample(folder: string): void {
  const { name } = example.names;
  for (const [path, text] of writeServiceFiles(example, [])) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const file of readdirSync(template).filter((path) => /^config.*\.yaml$/.test(path))) {
    const port = file.includes('split') ? 8001 : undefined;
    const text = readFileSync(join(folder, file), 'utf8');
    writeFileSync(join(folder, file), addService(text, { name, database: `sqlite:data/${name}.db`, port }));
  }
}

/** Runs the programs that write the lock file, the migrations and `generated/`, with the packages of this project. */
async function fill(steps: Steps, folder: string, isBare: boolean): Promise<void> {
  const lock = ['install', '--package-lock-only', '--offline', '--ignore-scripts'];
  await steps.step('write package-lock.json', 'npm', ...lock);
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  // Not .cache, because programs write temporary files with relative imports there.
  for (const entry of readdirSync(join(root, 'node_modules')).filter((one) => one !== '.cache'))
    symlinkSync(join(root, 'node_modules', entry), join(modules, entry));
  mkdirSync(join(folder, 'src/services'), { recursive: true });
  mkdirSync(join(folder, 'generated'), { recursive: true });
  // The commands import the list of services that `generate` will write.
  writeFileSync(join(folder, 'generated/services.ts'), 'export const services = {};\n');
  const services = ['src/services', 'test/services'];
  if (!isBare) {
    await steps.step('format the files', 'biome', 'check', '--write', '--vcs-enabled=false', ...services);
    await steps.step('write the migrations', process.execPath, 'scripts/migrate.ts', 'create', 'pet');
  }
  await steps.step('generate the contract', process.execPath, 'scripts/generate.ts');
  rmSync(modules, { recursive: true });
}

/** Makes the folder a repository. Returns the author of the commit if git knows none, or ''. */
async function commit(steps: Steps, folder: string, name: string): Promise<string> {
  // A hook or a signature of the user's other repositories must not stop this commit.
  const git = ['-c', 'core.hooksPath=/dev/null', '-c', 'commit.gpgSign=false'];
  await steps.step('make a repository', 'git', 'init', '--quiet', '--initial-branch=main');
  await steps.step('add the files', 'git', 'add', '--all');
  const known = spawnSync('git', ['-c', 'user.useConfigOnly=true', 'var', 'GIT_AUTHOR_IDENT'], {
    cwd: folder,
  });
  const [user, email] = [name, `${name}@localhost`];
  const author = known.status === 0 ? [] : ['-c', `user.name=${user}`, '-c', `user.email=${email}`];
  const message = 'feat: start the product';
  await steps.step('commit', 'git', ...git, ...author, 'commit', '--quiet', `--message=${message}`);
  return author.length > 0 ? `${user} <${email}>` : '';
}
