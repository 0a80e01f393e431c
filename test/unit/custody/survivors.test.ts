import { beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/base/bytes.js';
import { LIMITS } from '../../../src/base/limits.js';
import { checkDistinctSigners } from '../../../src/custody/distinct-signers.js';
import {
  type ContentClaim,
  claimDigest,
  compareConfigs,
  isAllowed,
  isAttestation,
  type VerifyInput,
  verify,
  verifyIndex,
  type WithdrawClaim,
} from '../../../src/custody/index.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { aSigner } from '../images.js';
import {
  APP,
  BASE,
  buildApproval,
  buildImage,
  buildLink,
  buildWithdrawal,
  daysAgo,
  digestOf,
  imageInput,
  type Link,
  layer,
  mark,
  markStatement,
  NOW,
  REPOSITORY,
  RUNTIME,
  type Story,
  signDocument,
  tell,
} from './world.js';

/** What no other test would miss if the check were taken out, found by taking out each. */

const MOVED = 'registry.example.com/shop/moved';
let story: Story;
beforeAll(async () => {
  story = await tell();
});
const judge = async (edit: Partial<VerifyInput>) => {
  const { verdict, code } = await verify({ ...story.input, ...edit });
  return [verdict, code];
};
const PASS = ['pass', null];

describe('an image under another name', () => {
  const moved = (relocations: VerifyInput['policy']['relocations'], marks = story.input.marks) =>
    judge({
      image: imageInput(story.head.image, MOVED),
      marks,
      policy: { ...story.input.policy, relocations },
    });
  const REFUSED = ['fail', 'identity-mismatch'];

  test('needs a relocation from where it was made to where it is', async () => {
    const elsewhere = 'registry.example.com/shop/elsewhere';
    expect(await moved([{ from: REPOSITORY, to: MOVED, via: undefined }])).toEqual(PASS);
    expect(await moved([{ from: elsewhere, to: MOVED, via: undefined }])).toEqual(REFUSED);
    expect(await moved([{ from: REPOSITORY, to: elsewhere, via: undefined }])).toEqual(REFUSED);
    const both = [
      { from: REPOSITORY, to: elsewhere, via: undefined },
      { from: elsewhere, to: MOVED, via: undefined },
    ];
    expect(await moved(both)).toEqual(REFUSED);
  });

  test('needs the approval that the relocation names, whatever else is approved for it', async () => {
    const via = [{ from: REPOSITORY, to: MOVED, via: 'promote' }];
    const scan = { ...story.approvals.scan, repo: MOVED };
    expect(await moved(via, [...story.input.marks, ...(await mark(scan, ['sam']))])).toEqual(REFUSED);
    expect(await moved([{ from: REPOSITORY, to: MOVED, via: 'nothing of this name' }])).toEqual(REFUSED);
  });

  test('keeps the approval that moved it when it is approved once more where it was made', async () => {
    const via = [{ from: REPOSITORY, to: MOVED, via: 'promote' }];
    const here = await mark({ ...story.approvals.promote, repo: MOVED, time: daysAgo(2) }, ['rob', 'ria']);
    const there = await mark({ ...story.approvals.promote, time: daysAgo(1) }, ['rob', 'ria']);
    expect(await moved(via, [...story.input.marks, ...there])).toEqual(REFUSED);
    expect(await moved(via, [...story.input.marks, ...here, ...there])).toEqual(PASS);
  });
});

test('a person who stands for two teams does so whatever a third one makes of them', () => {
  const claim = (team: string, ...names: string[]) => ({
    record: { claim: { team }, signers: new Map(names.map(name => [name, { signer: name }])) },
    threshold: 1,
  });
  const codes = (...claims: readonly ReturnType<typeof claim>[]) =>
    checkDistinctSigners(claims).map(({ code }) => code);
  expect(codes(claim('a', 'sue'), claim('b', 'sue'), claim('c', 'sue', 'tom'))).toEqual(['signer-reuse']);
  expect(codes(claim('a', 'sue'), claim('b', 'sue', 'ann'), claim('c', 'sue', 'tom'))).toEqual([]);
});

test('nothing is built on an approval', async () => {
  const [base, runtime] = story.links as [Link, Link];
  const approval = buildApproval({ rule: 'base-qa', team: 'security', time: daysAgo(5) }, base);
  const prev = { claim: claimDigest(approval), team: 'security', step: 'base-qa' };
  const app = buildLink({ ...APP, edit: claim => ({ ...claim, prev }) }, runtime);
  const marks = [
    ...story.input.marks.filter(({ source }) => !source.startsWith('app by')),
    ...(await mark(app.claim, ['amy'])),
    ...(await mark(approval, ['sam'])),
  ];
  const { verdict, findings } = await verify({ ...story.input, image: imageInput(app.image), marks });
  expect(verdict).toBe('fail');
  expect(findings.map(({ code }) => code)).toContain('prev-mismatch');
});

test('what a chain is for is what the config says, index or not', async () => {
  const arm = { architecture: 'arm64' };
  const steps = [BASE, RUNTIME, APP].map(step => ({ ...step, image: arm }));
  const said = steps.map(step => ({
    ...step,
    edit: (claim: ContentClaim) => ({ ...claim, platform: { os: 'linux', architecture: 'amd64' } }),
  }));
  expect((await verify((await tell({ steps })).input)).code).toBeNull();
  expect((await verify((await tell({ steps: said })).input)).code).toBe('platform-mismatch');
});

describe('an image whose manifest and config count differently', () => {
  const all = [...BASE.layers, ...RUNTIME.layers, ...APP.layers];
  const diffIDs = all.map(({ diffID }) => diffID);

  test.each([
    ['one layer too many', [...all, layer('more')], diffIDs],
    ['one too few', all.slice(0, -1), diffIDs],
    ['one diffID too many', all, [...diffIDs, digestOf('more')]],
    ['no layer at all', [], diffIDs],
  ])('is refused: %s', async (_, layers, ids) => {
    const app = { ...APP, image: { layers, diffIDs: ids } };
    const { input } = await tell({ steps: [BASE, RUNTIME, app] });
    expect(await verify(input)).toMatchObject({ verdict: 'fail', code: 'layer-count-mismatch', chain: [] });
  });
});

test('a config that two readers could read as two is refused, whoever signed it', async () => {
  const text = Buffer.from(story.head.image.config).toString();
  const withConfig = async (config: string) => {
    const bytes = utf8(config);
    const { input } = await tell({ steps: [BASE, RUNTIME, { ...APP, image: { config: bytes } }] });
    return (await verify(input)).code;
  };
  expect(await withConfig(text)).toBeNull();
  expect(await withConfig(text.replace('"os":"linux"', '"os":"linux","os":"linux"'))).toBe('format-config');
  expect(await withConfig(text.replace('"os":"linux"', '"os":"linux","OS":"linux"'))).toBe('format-config');
  const twin = text.replace('"rootfs":{', '"rootfs":{"Diff_IDs":[],');
  expect(await withConfig(twin)).toBe('format-config');
  const folded = text.replace('"rootfs":{', '"rootfs":{"diff_id\u017f":[],');
  expect(await withConfig(folded)).toBe('format-config');
});

describe('what is looked at is bounded', () => {
  test('documents of ancestors', async () => {
    const documents = (count: number) => Array.from({ length: count }, (_, i) => utf8(`document ${i}`));
    const room = LIMITS.carriedBlobs - story.input.carried.length;
    expect(await judge({ carried: [...story.input.carried, ...documents(room)] })).toEqual(PASS);
    expect(await judge({ carried: [...story.input.carried, ...documents(room + 1)] })).toEqual([
      'fail',
      'limit-exceeded',
    ]);
  });

  test('a document that a team has signed', async () => {
    const signer = await aSigner('amy');
    const payload = utf8(`{"padding":"${'x'.repeat(LIMITS.payloadSize)}"}`);
    const big = signDocument(signer, 'simplesigning', payload, 'big');
    expect(await judge({ marks: [...story.input.marks, big] })).toEqual(PASS);
    expect(await judge({ marks: [big] })).toEqual(['fail', 'limit-exceeded']);
  });

  test('claims about one image, all of them good', async () => {
    const head = story.head.claim;
    const more = (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, i) =>
          mark({ ...head, 'x-number': i } as never, ['amy'], { carriers: ['bundle'] }),
        ),
      );
    const twins = await more(LIMITS.chainHeads);
    expect(await judge({ marks: [...story.input.marks, ...twins.slice(1).flat()] })).toEqual(PASS);
    expect(await judge({ marks: [...story.input.marks, ...twins.flat()] })).toEqual([
      'fail',
      'limit-exceeded',
    ]);
  });
});

test('claims that another team makes up take no place away from those of the team', async () => {
  const made = (count: number, signer: string) =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        mark({ ...story.head.claim, 'x-number': i } as never, [signer], { carriers: ['bundle'] }),
      ),
    );
  const foreign = (await made(LIMITS.chainHeads + 1, 'sam')).flat();
  expect(await judge({ marks: [...foreign, ...story.input.marks] })).toEqual(PASS);
  expect(await judge({ marks: foreign })).toEqual(['fail', 'key-not-authorised']);
});

test('a claim that does not hold makes nothing ambiguous, whatever it says of the layers', async () => {
  // The runtime team says that it built everything, which no flow allows.
  const { image } = story.head;
  const all = buildLink({ ...RUNTIME, layers: image.layers, image: { config: image.config } });
  const rival = { ...all.claim, subject: story.head.claim.subject } as ContentClaim;
  const marks = [...(await mark(rival, ['rita'])), ...story.input.marks];
  expect(await judge({ marks })).toEqual(PASS);
  const alone = await verify({ ...story.input, marks: await mark(rival, ['rita']) });
  expect(alone.chain.map(({ team }) => team)).toEqual(['runtime']);
  expect(alone.verdict).toBe('fail');
});

test('content is the config too: the same layers under another config are another image', async () => {
  const layers = story.head.image.layers;
  const policy = { ...story.input.policy, identity: 'content' as const };
  const { config } = story.head.image;
  const copy = buildImage({ layers, config, annotations: { copied: 'yes' } });
  expect(await judge({ policy, image: imageInput(copy) })).toEqual(PASS);
  const other = buildImage({ layers, run: { User: '0', Cmd: ['/bin/sh'] } });
  const rules = { ...policy, config: {} };
  expect(await judge({ policy: rules, image: imageInput(other) })).toEqual(['fail', 'no-marks']);
});

test('an entry of an index is for the platform of its image', async () => {
  const verdict = await verify(story.input);
  const { mediaType, digest, size } = story.head.image.manifest.descriptor;
  const codeFor = async (...platforms: readonly (object | undefined)[]) => {
    const manifests = platforms.map(platform => ({ mediaType, digest, size, ...(platform && { platform }) }));
    const bytes = utf8(JSON.stringify({ schemaVersion: 2, manifests }));
    const { policy, now } = story.input;
    const index = { mediaType: MEDIA_TYPES.ociIndex, bytes };
    return (await verifyIndex({ index, children: [verdict], marks: [], policy, now, tagGiven: false })).code;
  };
  const amd = { os: 'linux', architecture: 'amd64' };
  expect(await codeFor(amd)).toBeNull();
  expect(await codeFor(undefined)).toBeNull();
  expect(await codeFor(amd, { ...amd, architecture: 'arm64' })).toBe('platform-mismatch');
  expect(await codeFor(amd, { ...amd, variant: 'v3' })).toBe('platform-mismatch');
  expect(await codeFor({ ...amd, os: 'windows' })).toBe('platform-mismatch');
});

describe('a withdrawal of a claim that is not there covers', () => {
  const withdrawn = async (team: string, signer: string, edit: Partial<WithdrawClaim>) => {
    const { claim } = story.head;
    const honest = buildWithdrawal(story.head, team, claim.time);
    const prev = { ...honest.prev, claim: digestOf('another claim'), team };
    const marks = await markStatement({ ...honest, prev, ...edit }, [signer]);
    return judge({ marks: [...story.input.marks, ...marks] });
  };

  test('what the team had said of the image in that step until that second', async () => {
    expect(await withdrawn('app', 'amy', {})).toEqual(['fail', 'mark-withdrawn']);
    const { time } = story.head.claim;
    const before = `${new Date(Date.parse(time) - 1000).toISOString().slice(0, 19)}Z`;
    expect(await withdrawn('app', 'amy', { time: before })).toEqual(PASS);
  });

  test('nothing of another team', async () => {
    expect(await withdrawn('security', 'sam', {})).toEqual(PASS);
  });

  test('nothing of another image or step', async () => {
    const [, runtime] = story.links as [Link, Link];
    const { manifest } = runtime.claim.subject;
    expect(await withdrawn('app', 'amy', { subject: { manifest } })).toEqual(PASS);
    const prev = { claim: digestOf('another claim'), team: 'app', step: 'other' };
    expect(await withdrawn('app', 'amy', { prev })).toEqual(PASS);
  });
});

test('on its way to another team an image lacks the steps ahead, none that lies behind it', async () => {
  const handover = { team: 'release' };
  const without = await tell({ steps: [BASE, APP] });
  expect((await verify({ ...without.input, handover })).code).toBe('step-missing');
  const before = await tell({ steps: [BASE, { ...RUNTIME, repo: REPOSITORY }] });
  expect((await verify({ ...before.input, handover })).code).toBeNull();
  expect((await verify(before.input)).code).not.toBeNull();
});

test('an attestation is for no platform at all', () => {
  const annotations = { 'vnd.docker.reference.type': 'attestation-manifest' };
  const entry = (os: string, architecture: string) =>
    isAttestation({
      mediaType: MEDIA_TYPES.ociManifest,
      digest: digestOf('entry'),
      size: 1,
      annotations,
      platform: { os, architecture },
    });
  expect(entry('unknown', 'unknown')).toBe(true);
  expect(entry('unknown', 'amd64')).toBe(false);
  expect(entry('linux', 'unknown')).toBe(false);
});

test('times are held to the second: the end of a claim is over, the skew of clocks is not', async () => {
  const at = async (edit: Partial<ContentClaim>) =>
    (await tell({ steps: [BASE, RUNTIME, { ...APP, edit: claim => ({ ...claim, ...edit }) }] })).input;
  const later = (seconds: number) =>
    `${new Date(NOW.getTime() + seconds * 1000).toISOString().slice(0, 19)}Z`;
  const codeOf = async (edit: Partial<ContentClaim>, approvals: VerifyInput['policy']['approvals'] = []) => {
    const input = await at(edit);
    return (await verify({ ...input, policy: { ...input.policy, approvals } })).code;
  };
  expect(await codeOf({ expires: later(1) })).toBeNull();
  expect(await codeOf({ expires: later(0) })).toBe('mark-expired');
  const skew = story.input.policy.skew / 1000;
  expect(await codeOf({ time: later(skew) })).toBeNull();
  expect(await codeOf({ time: later(skew + 1) })).toBe('time-implausible');
});

describe('rules over config keys', () => {
  test('see a key that is taken away: without a user it is root', async () => {
    const changes = compareConfigs({ config: { User: '1000', Volumes: { '/v': {} } } }, { config: {} });
    expect(changes.map(({ key, member }) => [key, member])).toEqual([
      ['User', undefined],
      ['Volumes', '/v'],
    ]);
    const rules = { allow: ['User', 'Volumes'], deny: ['User=root'] };
    expect(changes.map(change => isAllowed(change, rules))).toEqual([false, true]);
    expect(compareConfigs({ author: 'ann' }, {}).map(({ key }) => key)).toEqual(['/author']);
  });

  test('allow a value only where it is the only one', () => {
    const rules = { allow: ['Env:MODE=safe'], deny: [] };
    const set = (...values: string[]) =>
      compareConfigs({}, { config: { Env: values.map(value => `MODE=${value}`) } }).map(change =>
        isAllowed(change, rules),
      );
    expect(set('safe')).toEqual([true]);
    expect(set('safe', 'evil')).toEqual([false]);
    expect(set('evil', 'safe')).toEqual([false]);
  });

  test('allow no environment that is not one', () => {
    const rules = { allow: ['*', 'Env'], deny: [] };
    for (const Env of [['A=1', 1], [null], 'A=1', { A: '1' }]) {
      const changes = compareConfigs({}, { config: { Env } } as never);
      expect(changes.map(change => isAllowed(change, rules))).toEqual([false]);
    }
    expect(compareConfigs({ config: { Env: ['A=1'] } }, { config: { Env: null } })).toMatchObject([
      { key: 'Env', member: 'A', values: [''] },
    ]);
  });

  test.each(['Config', 'CONFIG', 'confiG'])('allow no other spelling of config: %s', key => {
    const changes = compareConfigs({}, { [key]: { User: '0' } } as never);
    expect(changes.map(change => isAllowed(change, { allow: ['*', `/${key}`], deny: [] }))).toEqual([false]);
  });
});
