import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { computeDigest, type Digest } from '../../../src/base/digest.js';
import { type JsonValue, parseJson } from '../../../src/base/json.js';
import { LIMITS } from '../../../src/base/limits.js';
import {
  claimDigest,
  computeChainID,
  decodeClaim,
  encodeClaim,
  extendChain,
  isCustodyName,
  parseClaim,
  serializeClaim,
} from '../../../src/custody/index.js';
import { codeOf, text } from '../support.js';
import { APP, BASE, buildApproval, buildLinks, buildWithdrawal, daysAgo, RUNTIME } from './world.js';

const links = buildLinks([BASE, RUNTIME, APP]);
const [base, , app] = links as [(typeof links)[0], (typeof links)[0], (typeof links)[0]];
const approval = buildApproval({ rule: 'scan', team: 'security', time: daysAgo(1) }, app);

type Edit = (claim: Record<string, never>) => unknown;
const edited = (edit: Edit, from: unknown = app.claim) =>
  codeOf(() => parseClaim(edit(structuredClone(from) as never) as JsonValue));
const set =
  (path: string, value: unknown): Edit =>
  claim => {
    const keys = path.split('.');
    const last = keys.pop() as string;
    let target: Record<string, unknown> = claim;
    for (const key of keys) target = target[key] as Record<string, unknown>;
    if (value === undefined) delete target[last];
    else target[last] = value;
    return claim;
  };

describe('ChainIDs', () => {
  const [a, b, c] = ['a', 'b', 'c'].map(hex => `sha256:${hex.repeat(64)}` as Digest);
  test('are those of the specification', () => {
    expect(computeChainID([])).toBe('empty');
    expect(computeChainID([a!])).toBe(a);
    expect(computeChainID([a!, b!])).toBe(
      'sha256:ccd722928bd92476ba1745586fed6e45a102504185ad88cd89e01ff116fd146c',
    );
    expect(computeChainID([a!, b!, c!])).toBe(
      'sha256:c1377126441fb2f5ec2c21ae2a60255331d639e830f0ee1b40a36e52d4c40588',
    );
    expect(extendChain(computeChainID([a!, b!]), [c!])).toBe(computeChainID([a!, b!, c!]));
  });
});

describe('a claim', () => {
  test.each([base.claim, app.claim, approval, buildWithdrawal(base, 'base')])(
    'of kind $kind comes back as it was',
    claim => {
      const bytes = serializeClaim(claim);
      expect(text(serializeClaim(parseClaim(bytes)))).toBe(text(bytes));
      expect(claimDigest(parseClaim(bytes))).toBe(computeDigest(bytes));
      expect(decodeClaim(encodeClaim(claim))).toEqual(parseClaim(bytes));
    },
  );

  test('has one digest, however it is spelt', () => {
    const pretty = utf8(JSON.stringify(Object.fromEntries(Object.entries(app.claim).reverse()), null, 2));
    expect(claimDigest(parseClaim(pretty))).toBe(app.digest);
    expect(claimDigest(parseClaim({ ...app.claim, 'x-build': 7 } as never))).not.toBe(app.digest);
  });

  test('is refused when anything in it could be read differently', () => {
    const compact = text(serializeClaim(app.claim));
    const read = (json: string) => codeOf(() => parseClaim(utf8(json)));
    expect(read(compact)).toBeUndefined();
    expect(read(compact.replace('"v":1', '"v":1,"v":1'))).toBe('payload-ambiguous');
    expect(read(compact.replace('"team":"app"', '"team":"app","team":"base"'))).toBe('payload-ambiguous');
    expect(read(compact.slice(1))).toBe('payload-ambiguous');
    const nested = `${'['.repeat(20)}${']'.repeat(20)}`;
    expect(read(compact.replace('"v":1', `"v":1,"x-deep":${nested}`))).toBe('payload-ambiguous');
    expect(read(compact.replace('"v":1', '"v":1,"x-deep":[[[]]]'))).toBeUndefined();
    expect(read(compact.replace('"v":1', `"v":1,"x-long":"${'a'.repeat(LIMITS.claimSize)}"`))).toBe(
      'limit-exceeded',
    );
  });

  test('keeps to its size also where it stood in a larger document', () => {
    expect(edited(set('x-long', 'a'.repeat(LIMITS.claimSize)))).toBe('limit-exceeded');
    expect(edited(set('x-long', 'a'.repeat(LIMITS.claimSize / 2)))).toBeUndefined();
  });

  test.each<[string, string, unknown, string]>([
    ['another version', 'v', 2, 'claim-version-unsupported'],
    ['a version as text', 'v', '1', 'claim-version-unsupported'],
    ['an unknown kind', 'kind', 'bless', 'kind-invalid'],
    ['a reserved kind', 'kind', 'rebase', 'kind-denied'],
    ['an unknown key', 'colour', 'red', 'payload-inconsistent'],
    ['an unknown key inside', 'subject.image', 'x', 'payload-inconsistent'],
    ['a fraction in an extension', 'x-rate', 1.5, 'payload-inconsistent'],
    ['minus zero', 'x-rate', -0, 'payload-inconsistent'],
    ['half a surrogate pair', 'x-text', '\ud800', 'payload-inconsistent'],
    ['a team that is a path', 'team', '../base', 'payload-inconsistent'],
    ['a team of digits', 'team', '42', 'payload-inconsistent'],
    ['a step that is a folder', 'step', 'a/b', 'payload-inconsistent'],
    ['a repository with a tag', 'repo', 'registry.example.com/shop/app:1', 'payload-inconsistent'],
    ['a short digest', 'subject.manifest.digest', 'sha256:abc', 'digest-invalid'],
    ['an upper-case digest', 'subject.config.digest', `sha256:${'A'.repeat(64)}`, 'digest-invalid'],
    ['a SHA-512 digest', 'subject.config.digest', `sha512:${'a'.repeat(128)}`, 'digest-invalid'],
    ['a digest that is a path', 'chain.before', 'sha256:../../x', 'digest-invalid'],
    ['a day that does not exist', 'time', '2026-02-30T00:00:00Z', 'payload-inconsistent'],
    ['a time with an offset', 'time', '2026-02-03T00:00:00+01:00', 'payload-inconsistent'],
    ['a negative size', 'subject.manifest.size', -1, 'payload-inconsistent'],
    ['a span that ends before it begins', 'span', { from: 5, to: 4 }, 'payload-inconsistent'],
    ['no layers in an add', 'span', { from: 4, to: 4 }, 'kind-invalid'],
    ['no chain', 'chain', undefined, 'kind-invalid'],
    ['children in an add', 'children', [], 'kind-invalid'],
    ['a check with an unknown verdict', 'checked.verdict', 'maybe', 'payload-inconsistent'],
    ['a check at an unknown level', 'checked.level', 'most', 'payload-inconsistent'],
    ['too many layers', 'span', { from: 4, to: 20_000 }, 'limit-exceeded'],
    ['a null', 'expires', null, 'payload-inconsistent'],
  ])('with %s is refused', (_what, path, value, code) => {
    expect(edited(claim => claim)).toBeUndefined();
    expect(edited(set(path, value))).toBe(code);
  });

  test('that approves has a place and no base', () => {
    expect(edited(claim => claim, approval)).toBeUndefined();
    expect(edited(set('base', { manifest: app.digest }), approval)).toBe('kind-invalid');
    expect(edited(set('prev', undefined), approval)).toBe('kind-invalid');
    expect(edited(set('span.from', 5), approval)).toBe('kind-invalid');
  });

  test('that adopts begins a chain', () => {
    const adopt = { ...structuredClone(base.claim), kind: 'adopt', inputs: [] };
    expect(edited(claim => claim, adopt)).toBeUndefined();
    expect(edited(set('seq', 1), adopt)).toBe('kind-invalid');
    expect(edited(set('prev', app.claim.prev), adopt)).toBe('kind-invalid');
    expect(edited(set('inputs', undefined), adopt)).toBe('kind-invalid');
  });

  test('about an index lists its children in order', () => {
    const [one, two] = [base.digest, app.digest].sort();
    const child = (manifest: string) => ({ manifest, claim: null });
    const { manifest } = app.claim.subject;
    const { v, team, step, repo, time } = app.claim;
    const index = {
      v,
      kind: 'index',
      team,
      step,
      repo,
      time,
      subject: { manifest },
      children: [child(one!), child(two!)],
    };
    expect(edited(claim => claim, index)).toBeUndefined();
    expect(edited(set('children', [child(two!), child(one!)]), index)).toBe('payload-inconsistent');
    expect(edited(set('children', [child(one!), child(one!)]), index)).toBe('payload-inconsistent');
    expect(edited(set('seq', 0), index)).toBe('kind-invalid');
  });

  test('never becomes another one by losing, gaining or changing a member', () => {
    const value = parseJson(serializeClaim(app.claim), 'claim');
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(value as object)),
        fc.jsonValue({ maxDepth: 3 }),
        (key, member) => {
          const changed = { ...(value as object), [key]: member } as JsonValue;
          fc.pre(JSON.stringify(member) !== JSON.stringify((value as Record<string, JsonValue>)[key]));
          let digest: string | undefined;
          try {
            digest = claimDigest(parseClaim(changed));
          } catch {
            return;
          }
          expect(digest).not.toBe(app.digest);
        },
      ),
      { numRuns: 300 },
    );
  });
});

test('names of teams and steps are no paths and no numbers', () => {
  for (const name of ['app', 'team-1', 'a.b_c', 'X', '1st', 'a'.repeat(64)])
    expect(isCustodyName(name)).toBe(true);
  for (const name of ['', '7', '-a', 'a-', '.', '..', 'a/b', 'a b', 'a'.repeat(65), '__proto__', 'ä', 'a\n'])
    expect(isCustodyName(name), name).toBe(false);
});

test('an encoded claim has one spelling', () => {
  const word = encodeClaim(app.claim);
  expect(word).toMatch(/^[A-Za-z0-9_-]+$/);
  expect(decodeClaim(`${word}=`)).toBeUndefined();
  expect(decodeClaim(`${word} `)).toBeUndefined();
  expect(codeOf(() => decodeClaim('a'.repeat(LIMITS.claimSize * 2)))).toBe('limit-exceeded');
});
