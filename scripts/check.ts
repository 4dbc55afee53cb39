/** Checks the project without running it: see --help. */
import { spawnSync } from 'node:child_process';
import { readArguments } from '../src/framework/app/arguments.ts';
import { CommandError, root, runCommand } from './lib/command.ts';
import { findFrameworkTests, typeCheck, withoutExamples } from './lib/framework-files.ts';

const help = `Usage: ./run.sh check

Checks, and stops at the first step that fails:
  format and lint    biome; \`npx biome check --write .\` fixes what can be fixed
  types              tsc
  boundaries         dependency-cruiser: which folder may import which
  generated files    whether \`./run.sh generate\` would change a file
  import graph       whether docs/architecture.md shows it; fix: node tools/import-graph.ts
  documents          redocly, by the rules in redocly.yaml
`;

const steps: readonly (readonly [string, ...string[]])[] = [
  ['biome', 'check', '.'],
  typeCheck(),
  // err-long prints the reason of a rule beside its name.
  ['depcruise', '--config', '.dependency-cruiser.mjs', '-T', 'err-long', 'src', 'scripts', 'tools'],
  [process.execPath, 'scripts/generate.ts', '--check'],
  [process.execPath, 'tools/import-graph.ts', '--check'],
  ['redocly', 'lint', '--format=stylish', 'generated/openapi.json', 'generated/*/openapi.json'],
];

const env = {
  ...process.env,
  PATH: `${root}node_modules/.bin:${process.env.PATH}`,
  // By default Redocly sends usage statistics and checks for updates.
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
};

await runCommand(async () => {
  const { values } = readArguments({});
  if (values.help) return console.log(help);
  if (findFrameworkTests() === 'without examples') console.log(withoutExamples);
  for (const [command, ...args] of steps) {
    const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' });
    if (error !== undefined) throw new CommandError(`${command} cannot be started: run "npm ci" first`);
    if (status === 0) continue;
    process.exitCode = 1;
    return;
  }
});
