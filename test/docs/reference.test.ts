import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TSchema } from '@sinclair/typebox';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { AppConfig, ServiceConfig } from '../../src/framework/config/app-schema.ts';
import { Limits } from '../../src/framework/config/limits.ts';
import { ConfigFile } from '../../src/framework/config/schema.ts';
import { root } from '../e2e/process/helper.ts';
import { createExampleApp } from '../support/app.ts';
import { readPage } from './blocks.ts';

/** Lists the cells of all table rows of a page, without the quotes of code. */
function listRows(page: string): string[][] {
  const rows = readPage(page).match(/^\|.*\|$/gm) ?? [];
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

/** Lists the keys of a config, such as `log.level`. */
function listKeys(schema: TSchema, path: string): string[] {
  const alternative = (schema.anyOf as TSchema[] | undefined)?.find(({ type }) => type === 'object');
  if (alternative !== undefined) return listKeys(alternative, path);
  if (schema.patternProperties !== undefined && path === 'internal.keys') return [`${path}.<name>`];
  if (schema.type !== 'object' || schema.properties === undefined) return [path];
  return Object.entries(schema.properties as Record<string, TSchema>).flatMap(([name, inner]) =>
    listKeys(inner, path === '' ? name : `${path}.${name}`),
  );
}

test('configuration.md has a row for each key of the config', () => {
  const keys = [
    ...listKeys(ConfigFile, '').filter((key) => !/^(limits|services|apps)\b/.test(key)),
    ...listKeys(ServiceConfig, 'services.<name>'),
    ...listKeys(AppConfig, 'apps.<name>'),
    'limits.<name>',
  ];
  const documented = listRows('docs/configuration.md').map(([key = '']) => key);
  expect(documented).toEqual(expect.arrayContaining(keys));
  const form = /^(log|calls|traces|hsts|internal|auth|deploy|services|apps)\./;
  expect(documented.filter((key) => form.test(key) && !keys.includes(key))).toEqual([]);
});

test('configuration.md has a row with the default for each limit', () => {
  const defaults = new Map(
    listRows('docs/configuration.md').map(([, name = '', value = '']) => [name, value] as const),
  );
  for (const key of listKeys(Limits, '')) {
    const schema = key
      .split('.')
      .reduce<TSchema>(
        (found, name) => (found.properties as Record<string, TSchema>)[name] as TSchema,
        Limits,
      );
    expect(defaults.has(key), key).toBe(true);
    if (schema.default === undefined) continue;
    expect(defaults.get(key)?.replaceAll(',', '').split(' ')[0], key).toBe(String(schema.default));
  }
});

test('operations.md has a row with the labels for each metric', async (t) => {
  const { send } = await createExampleApp(t);
  await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  await send('POST', '/user/users/', { name: 'Alice' });
  expect((await send('POST', '/user/users/1/pets/1')).status).toBe(200);
  const text = (await send('GET', '/metrics')).body as string;
  const documented = new Map(
    listRows('docs/operations.md').flatMap(([names = '', labels = '']) =>
      names.split(', ').map((name) => [name, labels.replace(/\([^)]*\)/g, '').match(/\w+/g) ?? []] as const),
    ),
  );
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name as string);
  for (const name of names.filter((name) => !/^(process|nodejs)_/.test(name))) {
    expect([...documented.keys()]).toContain(name);
    const [, sample = ''] = new RegExp(`^${name}(?:_count)?\\{(.*)\\} `, 'm').exec(text) ?? [];
    const labels = [...sample.matchAll(/(\w+)="/g)].map(([, label]) => label as string);
    if (labels.length > 0)
      expect(labels.filter((label) => label !== 'service').sort(), name).toEqual(
        [...(documented.get(name) as string[])].sort(),
      );
  }
  const single = [...documented.keys()].filter((name) => /^(http|service|database)_/.test(name));
  expect(names).toEqual(expect.arrayContaining(single));
});

test('reliability.md has a row for each problem type of the framework', () => {
  const folder = join(root, 'src/framework');
  const code = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n')
    .replace(/^ *(\*|\/\/|\/\*\*).*$/gm, '');
  const types = code.matchAll(/urn:problem-type:([a-z-]+)|defineProblem\(\s*\d+,\s*'([a-z-]+)'/g);
  const names = [...types].map(([, written, defined]) => written ?? defined);
  const documented = listRows('docs/reliability.md').flatMap(([cell = '', status = '']) =>
    /^\d{3}$/.test(status) ? cell.split(', ') : [],
  );
  expect(documented.sort()).toEqual([...new Set(names)].sort());
});

test('each message that troubleshooting.md explains is in the code', () => {
  const folders = ['src', 'scripts'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  const code = [...folders.filter((name) => name.endsWith('.ts')), 'run.sh']
    .map((name) => readFileSync(join(root, name), 'utf8'))
    .join('\n');
  const titles = readPage('docs/troubleshooting.md').match(/^\*\*.*?\*\*/gm) ?? [];
  const messages = titles
    .flatMap((title) => title.match(/`[^`]+`|"[^"]+"/g) ?? [])
    .map((one) => one.slice(1, -1));
  expect(messages.length).toBeGreaterThan(5);
  // npm and Node print the messages that are skipped here.
  for (const message of messages.filter((one) => !/^E[A-Z_]+/.test(one))) {
    const parts = message.split(/…|<\w+>/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    expect(new RegExp(parts.join('.{1,60}?')).test(code), message).toBe(true);
  }
});

/** Lists the messages that the code in a file logs with the level warn or above, and arguments that are no text. */
function listWarnings(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const constants = new Map<string, string>();
  const messages: ts.Expression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.initializer && ts.isStringLiteral(node.initializer))
      constants.set(node.name.getText(source), node.initializer.text);
    if (ts.isCallExpression(node)) {
      const last = node.arguments.at(-1);
      const isWarning = /(?<!console)(\.(warn|error|fatal)|\[level\])$/.test(node.expression.getText(source));
      if (isWarning && last !== undefined) messages.push(last);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return messages.map((one) =>
    ts.isStringLiteral(one) ? one.text : (constants.get(one.getText(source)) ?? one.getText(source)),
  );
}

test('troubleshooting.md has a row for each log message of warn or above', () => {
  const files = ['src/framework', 'src/services/auth']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    )
    .filter((name) => name.endsWith('.ts') && !name.startsWith('src/framework/testing/'))
    .map((name) => join(root, name));
  // The variable `warning` has the text of `exposureWarning`.
  const [exposure] = /listening on a[^:']*/.exec(
    readFileSync(join(root, 'src/framework/config/exposure.ts'), 'utf8'),
  ) as RegExpExecArray;
  const logged = files.flatMap(listWarnings).map((one) => (one === 'warning' ? exposure : one));
  expect(logged.length).toBeGreaterThan(30);
  const [, section = ''] = readPage('docs/troubleshooting.md').split(/^## Log messages$/m);
  const documented = [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, one]) => one as string);
  // The library `close-with-grace` writes the one about the time.
  expect(documented.sort()).toEqual([...new Set([...logged, 'killed by timeout (10000ms)'])].sort());
});

test.for([
  ['#framework', 'src/framework/index.ts'],
  ['#framework/database', 'src/framework/database/index.ts'],
  ['#framework/testing', 'src/framework/testing/index.ts'],
] as const)('api.md has one row for each export of %s', ([name, file]) => {
  // `export { a, type B } from …`: the compiler removes the types, so that Node does not list them.
  const exports = [...readFileSync(join(root, file), 'utf8').matchAll(/^export (?:type )?\{([^}]*)\}/gm)]
    .flatMap(([, names = '']) => names.split(','))
    .map((one) => one.replace(/\btype\b/, '').trim())
    .filter(Boolean);
  const [, section = ''] = readPage('docs/api.md').split(new RegExp(`^## \`${name}\`$`, 'm'));
  const rows = section.split(/^## /m, 1)[0]?.match(/^\| `.*?\|/gm) ?? [];
  const documented = rows.flatMap((row) => [...row.matchAll(/`(\w+)`/g)].map(([, one]) => one));
  expect(exports.length).toBeGreaterThan(5);
  expect(documented.sort()).toEqual(exports.sort());
});

test('every export of an index file is in braces, as the test above reads it', () => {
  for (const file of ['index.ts', 'database/index.ts', 'testing/index.ts']) {
    const text = readFileSync(join(root, 'src/framework', file), 'utf8');
    expect(text.match(/\bexport\b/g)?.length, file).toBe(text.match(/^export (type )?\{/gm)?.length);
  }
});
