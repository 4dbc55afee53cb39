/** Runs the tests once, with the options of Vitest. */
process.argv.splice(2, 0, 'run');
try {
  // Vitest itself reports a wrong option with a stack and exit code 1.
  await import(new URL('../node_modules/vitest/vitest.mjs', import.meta.url).href);
} catch (error) {
  // Checked by its name, because Vitest does not export this class.
  if (!(error instanceof Error && error.name === 'CACError')) throw error;
  console.error(`${error.message.replaceAll('`', '')}: see ./run.sh test --help`);
  process.exitCode = 2;
}
