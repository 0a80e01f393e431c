import { expect, test } from 'vitest';
import { requireOneRegistry } from '../../../src/cli/one-registry.js';
import { codeOf } from '../support.js';

const credentials = { username: 'u', password: 'p' };

test('credentials given by flags never reach a second registry', () => {
  const check = (references: string[], options = {}) => codeOf(() => requireOneRegistry(references, options));
  expect(check(['a.example/x', 'b.example/x'], { credentials })).toBe('usage-argument');
  expect(
    check(['a.example/x', 'A.example/y:1', 'oci:dir', 'a.example//bad'], { credentials }),
  ).toBeUndefined();
  expect(check(['a.example/x', 'b.example/x'])).toBeUndefined();
});
