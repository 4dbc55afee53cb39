/** Replaces the framework by a newer version: see --help. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readArguments, UsageError, usageError } from '../src/framework/app/arguments.ts';
import { CommandError, root, runCommand } from './lib/command.ts';
import { findFrameworkTests, readFramework } from './lib/framework-files.ts';
import { expectCommitted } from './scaffold/changes.ts';
import { type MergedManifest, mergeManifest } from './upgrade/manifest.ts';
import { type FilePlan, planFiles } from './upgrade/plan.ts';
import { fetchSource, git, parseFiles, type Source } from './upgrade/source.ts';

const help = `Usage: ./run.sh upgrade --from DIR-OR-URL [--dry-run]

Replaces the framework by a newer version, and leaves what is yours: src/services, configs,
README.md, and in package.json your name, version and dependencies. Then installs, generates
and checks. Needs a work tree without changes, so that git can show and undo everything.

  --from DIR-OR-URL  the repository of the newer framework: its main branch, with its history
  --dry-run          print what would change, and change nothing
  --help             this text

Prints the files of the framework that were changed by hand. Their text stays in git.
`;

await runCommand(async () => {
  const { values } = readArguments({
    from: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
  });
  if (values.help) return console.log(help);
  if (values.from === undefined) throw usageError('Missing --from DIR-OR-URL');
  expectClean();
  const framework = readFramework();
  const source = fetchSource(values.from);
  try {
    const next = source.framework.version;
    const order = next.localeCompare(framework.version, 'en', { numeric: true });
    if (order < 0)
      throw new UsageError(
        `${values.from} has the framework ${next}, which is older than ${framework.version} here`,
      );
    const files = parseFiles(git(root, 'ls-files', '--stage'));
    const plan = planFiles(files, framework, source);
    if (order === 0) return reportSame(next, values.from, plan);
    const manifest = planManifest(source, framework.version);
    report(`${framework.version} → ${next}`, plan, manifest, values['dry-run']);
    if (!values['dry-run']) apply(source, plan, manifest);
  } finally {
    source.remove();
  }
});

/** @throws {UsageError} if git could not undo an upgrade. */
function expectClean(): void {
  try {
    git(root, 'rev-parse', '--verify', '--quiet', 'HEAD');
  } catch {
    throw new UsageError(
      'This project is not a git repository with a commit: run git init, and commit it first',
    );
  }
  expectCommitted(['.']);
}

function planManifest(source: Source, version: string): MergedManifest {
  const own = readFileSync(join(root, 'package.json'), 'utf8');
  const next = readFileSync(join(source.folder, 'package.json'), 'utf8');
  const { packages, scripts } = source.framework.development;
  const leftOut = findFrameworkTests() === 'absent' ? [...packages, ...scripts] : [];
  return mergeManifest(own, source.readManifestOf(version), next, leftOut);
}

/** Reports files that differ although the versions are equal. Nothing is replaced, because it would be no upgrade. */
function reportSame(version: string, from: string, { added, changed, deleted, byHand }: FilePlan): void {
  console.log(`already at ${version}: nothing is replaced`);
  const newer = [...added, ...changed, ...deleted].filter((path) => !byHand.includes(path));
  list('changed by hand, and replaced by the next version:', byHand);
  list(`different in ${from}, whose version has not been raised:`, newer.sort());
}

function list(title: string, lines: readonly string[]): void {
  if (lines.length > 0) console.log([title, ...lines].join('\n  '));
}

function report(versions: string, plan: FilePlan, manifest: MergedManifest, isDry: boolean): void {
  const { added, changed, deleted, byHand, kept } = plan;
  const verb = isDry ? 'would be ' : '';
  console.log(`framework ${versions}`);
  console.log(`files: ${added.length} added, ${changed.length} changed, ${deleted.length} deleted`);
  if (isDry) for (const path of [...added, ...changed, ...deleted].sort()) console.log(`  ${path}`);
  list(`changed by hand, and ${verb}replaced (git show HEAD:./FILE prints your text):`, byHand);
  list('kept, because the framework never had them:', kept);
  list('package.json:', manifest.changes);
}

/** Writes the plan, and runs the steps after it. @throws {CommandError} if one fails. */
function apply(source: Source, plan: FilePlan, manifest: MergedManifest): void {
  // Ctrl-C ends the running step, and then this command says how to undo.
  process.on('SIGINT', () => {}).on('SIGTERM', () => {});
  for (const path of plan.deleted) rmSync(join(root, path), { force: true });
  for (const path of [...plan.added, ...plan.changed]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    // First, because a copy would keep the mode of the old file.
    rmSync(join(root, path), { force: true });
    copyFileSync(join(source.folder, path), join(root, path));
  }
  writeFileSync(join(root, 'package.json'), manifest.text);
  if (manifest.hasNewDependencies) {
    run('install', 'npm', 'install', '--ignore-scripts', '--include=dev', '--loglevel=error');
    // run.sh installs again if this copy differs.
    if (existsSync(join(root, 'node_modules/.installed')))
      copyFileSync(join(root, 'package-lock.json'), join(root, 'node_modules/.installed'));
  }
  run('generate', process.execPath, 'scripts/generate.ts');
  run('check', process.execPath, 'scripts/check.ts');
  console.log('The checks pass. Read the table in docs/upgrading.md, run ./run.sh test, and commit.');
}

function run(step: string, command: string, ...args: string[]): void {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  const { status } = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 0) return;
  throw new CommandError(
    `The framework is replaced, and the step ${step} failed. Adapt what it names, and run ./run.sh check. To go back: git restore . && git clean -fd`,
  );
}
