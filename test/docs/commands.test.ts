import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from '../e2e/process/helper.ts';
import { listBlocks, listCommands, listExamples, pages } from './blocks.ts';
import { openProjectSession } from './project.ts';

/** The commands that this test skips, each with the reason. */
const leftOut: Readonly<Record<string, string>> = {
  'npm ci --omit=dev':
    'needs the registry; test/e2e/faults/npm.test.ts runs a project without development dependencies',
  'cp deploy/modular-monolith.service /etc/systemd/system/': 'needs root',
  'systemctl enable --now modular-monolith':
    'needs systemd; test/e2e/process/unit-file.test.ts checks the file',
  './run.sh deploy image --config config.production.yaml | sh':
    'needs an engine; test/tools/deploy/command.test.ts checks the command, .ci/image builds the Dockerfile',
  'docker compose --file manifests/compose/compose.yaml up --detach --wait':
    'needs an engine; .ci/image runs the image as the file says',
  'kubectl apply --filename manifests/kubernetes/namespace.yaml': 'needs a cluster',
  'kubectl create secret generic variables --namespace modular-monolith --from-env-file=variables.env':
    'needs a cluster',
  'kubectl create secret tls tls --namespace modular-monolith --cert=tls.crt --key=tls.key':
    'needs a cluster',
  'kubectl label namespace ingress-nginx modular-monolith/role=ingress': 'needs a cluster',
  'kubectl label namespace monitoring modular-monolith/role=monitoring': 'needs a cluster',
  'kubectl apply --kustomize manifests/kubernetes':
    'needs a cluster; test/tools/deploy checks the manifests, test/e2e/faults/cluster.test.ts runs them',
  'kubectl rollout status deployment/pet --namespace modular-monolith': 'needs a cluster',
  'kubectl exec --stdin deployment/auth --namespace modular-monolith --    node scripts/auth.ts admin root@example.com --config /config/config.yaml':
    'needs a cluster; test/e2e/faults/cluster-auth.test.ts runs it in a pod',
  '.ci/run': 'takes minutes, and runs this test',
  './run.sh migrate copy pet --from sqlite:data/pet.db --to postgres://postgres@localhost/monolith':
    'needs a PostgreSQL server; test/e2e/faults/copy.test.ts runs it',
  './run.sh test docs': 'runs this test',
  './run.sh test test/services': 'the suite that runs this test',
  './run.sh check': 'takes a minute; .ci/third-service.ts runs it',
};

/** Other tests run these pages. */
const elsewhere = ['docs/add-a-service.md', 'docs/first-steps.md', 'docs/upgrading.md'];

/** The pages show the services of config.yaml. A folder of src/services that it does not name makes no difference. */
const configured = parse(readFileSync(join(root, 'config.yaml'), 'utf8')) as { services: object };
const hasExamplesOnly = Object.keys(configured.services).sort().join() === 'pet,user';

const blocks = pages
  .filter((page) => !elsewhere.includes(page))
  .map((page) => ({ page, blocks: listBlocks(page) }));

describe('every command of a page has the result that the page shows', () => {
  for (const { page, blocks: all } of blocks) {
    const some = all.filter(
      ({ language, files }) => ['sh', 'console'].includes(language) || files.length > 0,
    );
    if (some.length === 0) continue;
    // The pages show the outputs of a project that has only the example services.
    test.skipIf(!hasExamplesOnly)(page, { timeout: 120_000 }, async (t) => {
      const isLeftOut = (command: string) => Object.hasOwn(leftOut, command);
      const session = await openProjectSession(t, { isLeftOut, isGenerated: true });
      for (const block of some) await session.work(block);
      await session.stop();
    });
  }
});

test('every skipped command is on a page', () => {
  const commands = pages.flatMap((page) =>
    listBlocks(page).flatMap((block) => (block.language === 'sh' ? listCommands(block) : [])),
  );
  expect(commands).toEqual(expect.arrayContaining(Object.keys(leftOut)));
});

test('blocks of commands are marked as sh or as console', () => {
  const other = pages.flatMap((page) =>
    listBlocks(page).filter(({ language }) => /^(bash|shell|zsh|text|txt)$/.test(language)),
  );
  expect(other).toEqual([]);
});

test('every command of a console block shows its output', () => {
  for (const page of pages)
    for (const block of listBlocks(page).filter(({ language }) => language === 'console'))
      for (const { command, output } of listExamples(block)) expect(output, command).not.toBe('');
});
