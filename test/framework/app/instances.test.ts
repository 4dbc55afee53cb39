import cluster from 'node:cluster';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openInstances } from '../../../src/framework/app/instances.ts';
import { captureLog, makeFolder } from '../../support/app.ts';

test('a stop that comes while the first instance begins to listen starts no other instance', async (t) => {
  const exec = join(makeFolder(t), 'instance.mjs');
  writeFileSync(
    exec,
    `import { createServer } from 'node:http';
process.on('message', () => process.exit(0));
createServer().listen(0, '127.0.0.1');`,
  );
  cluster.setupPrimary({ exec });
  const { logging } = await captureLog('info');
  const instances = openInstances({ label: 'gateway', count: 3, log: logging.logger('gateway'), key: 'key' });
  t.onTestFinished(() => instances.kill());
  let forked = 0;
  const count = () => {
    forked += 1;
  };
  cluster.on('fork', count);
  t.onTestFinished(() => void cluster.off('fork', count));
  const stopped = new Promise<void>((resolve) => {
    cluster.once('listening', () => void instances.stop().then(resolve));
  });
  await instances.start();
  await stopped;
  expect(forked).toBe(1);
});
