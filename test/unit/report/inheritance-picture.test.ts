import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { printable } from '../../../src/cli/text.js';
import { renderInheritanceSvg } from '../../../src/report/inheritance-svg.js';
import { presentInheritance } from '../../../src/report/inheritance-text.js';
import { renderLines } from '../../../src/report/lines.js';
import { root } from '../documents.js';
import { readmeTree } from '../inheritance/picture.js';

/** `vitest -u` draws it anew. */
test('the picture in the documentation is what is drawn', async () => {
  await expect(renderInheritanceSvg(readmeTree())).toMatchFileSnapshot(
    join(root, 'docs/pictures/inheritance.svg'),
  );
});

test('the README shows the tree as it is printed', () => {
  const text = renderLines(presentInheritance(readmeTree()), (_, words) => words, printable);
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`\`\`\`\n${text}\n\`\`\`\n`);
});
