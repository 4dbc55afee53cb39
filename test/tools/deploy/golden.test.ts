import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { targets } from '../../../scripts/deploy/render.ts';
import { fixtures, groupings, render } from './helper.ts';

const cases = groupings.flatMap((grouping) =>
  Object.keys(targets).map((target) => [grouping, target] as const),
);

describe('the files of a grouping are those in test/fixtures/deploy; vitest -u writes them', () => {
  test.each(cases)('%s, %s', async (grouping, target) => {
    const files = render(target as keyof typeof targets, join(fixtures, `${grouping}.yaml`), 'example:1.0.0');
    const text = Object.entries(files).map(([name, content]) => `# file: ${name}\n${content}`);
    await expect(text.join('\n')).toMatchFileSnapshot(join(fixtures, `${grouping}.${target}.golden`));
  });
});
