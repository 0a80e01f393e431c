import { generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../../../src/base/bytes.js';
import type { ReasonCode } from '../../../src/base/codes.js';
import { computeDigest } from '../../../src/base/digest.js';
import { LIMITS } from '../../../src/base/limits.js';
import type { PublicKey } from '../../../src/crypto/index.js';
import {
  type ContentClaim,
  type CustodyPolicy,
  type CustodyVerdict,
  claimDigest,
  extendChain,
  type FoundMark,
  serializeMarkPayload,
  type VerifyInput,
  verify,
  verifyIndex,
} from '../../../src/custody/index.js';
import { serializeManifest } from '../../../src/oci/manifest.js';
import { aSigner } from '../images.js';
import {
  APP,
  aPolicy,
  BASE,
  type BuiltImage,
  buildApproval,
  buildImage,
  buildLink,
  buildWithdrawal,
  claimLayers,
  DAY,
  daysAgo,
  digestOf,
  flowStep,
  historyOf,
  imageInput,
  type Layer,
  layer,
  mark,
  markStatement,
  NOW,
  REPOSITORY,
  RUNTIME,
  readLayers,
  rechained,
  type StepDraft,
  type Story,
  signDocument,
  tell,
} from './world.js';

/** One row of CUSTODY.md section 8. */
interface Row {
  readonly id: string;
  readonly does: string;
  readonly verdict: CustodyVerdict['verdict'];
  /** The primary code; null for a pass. */
  readonly code: ReasonCode | null;
  /** Further codes among the findings. */
  readonly also?: readonly ReasonCode[];
  readonly attack: () => Promise<VerifyInput>;
  /** The same without the one defect: it passes. */
  readonly honest?: () => Promise<VerifyInput>;
}

const told = async (draft: Parameters<typeof tell>[0] = {}): Promise<VerifyInput> =>
  (await tell(draft)).input;
const withImage = (input: VerifyInput, image: BuiltImage): VerifyInput => ({
  ...input,
  image: imageInput(image),
});
const without = (input: VerifyInput, pattern: RegExp): VerifyInput => ({
  ...input,
  marks: input.marks.filter(({ source }) => !pattern.test(source)),
});
const plus = (input: VerifyInput, marks: VerifyInput['marks']): VerifyInput => ({
  ...input,
  marks: [...input.marks, ...marks],
});

/** The app team's step with some other stack of layers in its image. */
const appOn = (stack: readonly Layer[], edit?: StepDraft['edit']): StepDraft => ({
  ...APP,
  image: { layers: stack },
  ...(edit && { edit }),
});
const tellApp = (app: StepDraft, policy?: Partial<CustodyPolicy>) =>
  told({ steps: [BASE, RUNTIME, app], ...(policy && { policy }) });

const [os, hardening] = BASE.layers as [Layer, Layer];
const [node, certificates] = RUNTIME.layers as [Layer, Layer];
const [code, assets] = APP.layers as [Layer, Layer];
const evil = layer('evil');
/** Only what these rows are about: approvals would have to move along with the image. */
const noApprovals = { approvals: [] } as const;

async function signWeakly(hash: string): Promise<VerifyInput> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const weak: PublicKey = {
    kind: 'ecdsa-p256',
    spki,
    keyid: computeDigest(spki).slice(7),
    keyObject: publicKey,
  };
  const story = await tell();
  const policy = await aPolicy();
  const payload = serializeMarkPayload(story.head.claim, 'touchmark/0.1.0');
  return {
    ...without(story.input, /^app by/),
    marks: [
      ...without(story.input, /^app by/).marks,
      {
        carrier: 'simplesigning',
        place: 'attached',
        source: 'app by amy, weakly',
        payload,
        payloadType: undefined,
        signature: nodeSign(hash, payload, privateKey),
      },
    ],
    policy: {
      ...policy,
      teams: policy.teams.map(team =>
        team.name === 'app' ? { ...team, signers: [{ name: 'amy', keys: [weak] }] } : team,
      ),
    },
  };
}

async function smallRsa(bits: number): Promise<VerifyInput> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const key = {
    kind: 'rsa-2048',
    spki,
    keyid: toHex(spki.subarray(0, 32)),
    keyObject: publicKey,
  } as PublicKey;
  const story = await tell();
  const policy = await aPolicy();
  const payload = serializeMarkPayload(story.head.claim, 'touchmark/0.1.0');
  const rest = without(story.input, /^app by/);
  return {
    ...plus(rest, [
      {
        carrier: 'simplesigning',
        place: 'attached',
        source: 'app by amy',
        payload,
        payloadType: undefined,
        signature: nodeSign('sha256', payload, privateKey),
      },
    ]),
    policy: {
      ...policy,
      teams: policy.teams.map(team =>
        team.name === 'app' ? { ...team, signers: [{ name: 'amy', keys: [key] }] } : team,
      ),
    },
  };
}

async function signedByApp(edit: (payload: string, story: Story) => string): Promise<VerifyInput> {
  const story = await tell();
  const text = Buffer.from(serializeMarkPayload(story.head.claim, 'touchmark/0.1.0')).toString();
  const payload = utf8(edit(text, story));
  return plus(without(story.input, /^app by/), [
    signDocument(await aSigner('amy'), 'simplesigning', payload, 'app by amy'),
  ]);
}

/** A chain of `count` config steps on top of the base. */
async function longChain(count: number): Promise<VerifyInput> {
  const steps = Array.from({ length: count }, (_, at) => ({
    ...RUNTIME,
    kind: 'config' as const,
    layers: [],
    run: { Env: [`STEP=${at}`] },
  }));
  const flow = (await aPolicy()).flow.map(step =>
    step.step === 'runtime' ? { ...step, count: [1, 10_000] as const } : step,
  );
  return told({ steps: [BASE, ...steps, APP], policy: { flow, config: {}, ...noApprovals } });
}

async function twoHeads(same: boolean): Promise<VerifyInput> {
  const policy = {
    ...noApprovals,
    flow: [
      flowStep({ step: 'base', team: 'base', kinds: ['add'], threshold: 2 }),
      flowStep({ step: 'runtime', team: 'runtime', kinds: ['add'] }),
      flowStep({ step: 'tools', team: 'runtime', kinds: ['add'], count: [0, 1] }),
    ],
  };
  const whole = await tell({ steps: [BASE, { ...RUNTIME, repo: REPOSITORY }], policy });
  const split = await tell({
    steps: [
      BASE,
      { ...RUNTIME, layers: [node] },
      {
        ...RUNTIME,
        step: 'tools',
        layers: [certificates],
        repo: REPOSITORY,
        // Byte for byte the image that the other claim is about.
        image: { layers: whole.head.image.layers, config: whole.head.image.config },
      },
    ],
    policy,
  });
  expect(split.head.image.manifest.descriptor.digest).toBe(whole.head.image.manifest.descriptor.digest);
  return same ? whole.input : plus(whole.input, split.input.marks);
}

const adopting = (
  ref: string,
  verifiedBy: readonly string[],
  step = 'upstream',
  team = 'base',
): StepDraft => ({
  ...BASE,
  step,
  team,
  kind: 'adopt',
  layers: [layer('debian')],
  edit: claim => ({
    ...claim,
    inputs: [{ purpose: 'upstream', manifest: claim.subject.manifest.digest, ref, verifiedBy }],
  }),
});
const adopted = (ref: string, verifiedBy: readonly string[]) =>
  told({ steps: [adopting(ref, verifiedBy), { ...BASE, run: {} }, RUNTIME, APP] });

async function indexOf(marked: boolean, platform = 'arm64'): Promise<VerifyInput[]> {
  const amd = await tell();
  const arm = await tell({
    steps: [BASE, RUNTIME, APP].map(step => ({ ...step, image: { ...step.image, architecture: 'arm64' } })),
  }).then(({ input, head }) => ({ input, head }));
  const armInput = marked ? arm.input : { ...arm.input, marks: amd.input.marks };
  return [
    { ...amd.input, image: { ...amd.input.image, indexPlatform: { os: 'linux', architecture: 'amd64' } } },
    { ...armInput, image: { ...armInput.image, indexPlatform: { os: 'linux', architecture: platform } } },
  ];
}

async function verifyIndexOf(inputs: readonly VerifyInput[]) {
  const children = await Promise.all(inputs.map(verify));
  const index = serializeManifest({
    manifests: inputs.map(({ image }, at) => ({
      mediaType: image.manifest.mediaType,
      digest: children[at]!.subject.manifest,
      size: image.manifest.bytes.length,
      platform: image.indexPlatform!,
    })),
  });
  return verifyIndex({
    index: { mediaType: index.descriptor.mediaType, bytes: index.bytes },
    children,
    marks: [],
    policy: inputs[0]!.policy,
    now: NOW,
    tagGiven: false,
  });
}

const manifestText = async (edit: (text: string) => string, mediaType?: string): Promise<VerifyInput> => {
  const input = await told();
  const { manifest } = input.image;
  const bytes = utf8(edit(Buffer.from(manifest.bytes).toString()));
  return {
    ...input,
    image: { ...input.image, manifest: { mediaType: mediaType ?? manifest.mediaType, bytes } },
  };
};

const recompressed = async (edit: Partial<CustodyPolicy>, read: boolean): Promise<VerifyInput> => {
  const story = await tell({ policy: edit });
  const layers = story.head.image.layers.map((entry, at) => ({ ...entry, digest: digestOf(`zstd ${at}`) }));
  const image = buildImage({ layers, config: story.head.image.config });
  return { ...withImage(story.input, image), layerEvidence: read ? readLayers(image) : [] };
};

/** docker save and load: raw tars, a manifest of docker's, the same config. */
const reloaded = async (edit: Partial<CustodyPolicy>): Promise<VerifyInput> => {
  const story = await tell({ policy: edit });
  const layers = story.head.image.layers.map(entry => ({ ...entry, digest: entry.diffID }));
  const image = buildImage({ layers, config: story.head.image.config, docker: true });
  return { ...story.input, image: { ...imageInput(image), repository: undefined } };
};

const ROWS: readonly Row[] = [
  {
    id: 'A1',
    does: 'serves an unmarked image',
    verdict: 'fail',
    code: 'no-marks',
    attack: async () => ({ ...(await told()), marks: [] }),
  },
  {
    id: 'A2',
    does: 'serves another marked image under this name',
    verdict: 'fail',
    code: 'identity-mismatch',
    attack: () => tellApp({ ...APP, repo: 'registry.example.com/shop/other' }),
  },
  {
    id: 'A3',
    does: 'copies the marks of one image onto another',
    verdict: 'fail',
    code: 'no-marks',
    also: ['mark-other-subject'],
    attack: async () => withImage(await told(), buildImage({ layers: [evil] })),
  },
  {
    id: 'A4',
    does: 'drops the last team’s mark',
    verdict: 'fail',
    code: 'no-marks',
    attack: async () => without(await told(), /^app by/),
  },
  {
    id: 'A5',
    does: 'drops a middle mark',
    verdict: 'fail',
    code: 'prev-missing',
    also: ['step-missing'],
    attack: async () => without(await told(), /^runtime by/),
  },
  {
    id: 'A6',
    does: 'drops the security approval',
    verdict: 'fail',
    code: 'approval-missing',
    attack: async () => without(await told(), /^scan by/),
  },
  {
    id: 'A7',
    does: 'shows the withdrawal of the base (hiding it is for TUF to find)',
    verdict: 'fail',
    code: 'base-withdrawn',
    attack: async () => {
      const story = await tell();
      return plus(story.input, await markStatement(buildWithdrawal(story.links[0]!, 'base'), ['linus']));
    },
  },
  {
    id: 'A8',
    does: 'rolls the tag back to an old, fully marked image',
    verdict: 'fail',
    code: 'mark-stale',
    attack: async () => ({ ...(await told()), now: new Date(NOW.getTime() + 80 * DAY) }),
  },
  {
    id: 'A11',
    does: 'alters one byte of a layer blob',
    verdict: 'fail',
    code: 'blob-digest-mismatch',
    attack: async () => {
      const story = await tell();
      const [first, ...rest] = readLayers(story.head.image);
      const broken = { index: 0, digest: first!.digest, outcome: 'digest-mismatch' as const };
      return { ...story.input, layerEvidence: [broken, ...rest] };
    },
    honest: async () => {
      const story = await tell();
      return { ...story.input, layerEvidence: readLayers(story.head.image) };
    },
  },
  {
    id: 'A12',
    does: 'swaps the arm64 child of an index for a marked amd64 one',
    verdict: 'fail',
    code: 'platform-mismatch',
    attack: async () => {
      const input = await told();
      return { ...input, image: { ...input.image, indexPlatform: { os: 'linux', architecture: 'arm64' } } };
    },
    honest: async () => {
      const input = await told();
      return { ...input, image: { ...input.image, indexPlatform: { os: 'linux', architecture: 'amd64' } } };
    },
  },
  {
    id: 'A14',
    does: 'floods the image with junk signatures',
    verdict: 'fail',
    code: 'limit-exceeded',
    attack: async () => {
      const input = await told();
      const junk = Array.from({ length: LIMITS.marks }, (_, i): FoundMark => {
        return { ...input.marks[0]!, source: 'junk', payload: utf8(`junk ${i}`) };
      });
      return plus(input, junk);
    },
  },
  {
    id: 'A14 size',
    does: 'puts a huge payload where the mark should be',
    verdict: 'fail',
    code: 'limit-exceeded',
    attack: () => signedByApp(text => text + ' '.repeat(LIMITS.payloadSize)),
    honest: () => signedByApp(text => `${text} `),
  },
  {
    id: 'A15',
    does: 'adds junk and foreign signatures',
    verdict: 'pass',
    code: null,
    also: ['mark-unverifiable'],
    attack: async () => {
      const story = await tell();
      const junk = { ...story.input.marks[0]!, source: 'junk', signature: utf8('junk') };
      return plus(story.input, [junk, ...(await mark(story.head.claim, ['eve'], { place: 'attached' }))]);
    },
  },
  {
    id: 'A16',
    does: 'pushes an unrelated bundle, so that cosign looks at no .sig',
    verdict: 'pass',
    code: null,
    also: ['carrier-shadowed'],
    attack: async () => {
      const story = await tell();
      const [own] = await mark(story.head.claim, ['amy'], { place: 'attached', carriers: ['simplesigning'] });
      const foreign = await mark(story.head.claim, ['eve'], { place: 'attached', carriers: ['bundle'] });
      return plus(without(story.input, /^app by/), [own!, ...foreign]);
    },
  },
  {
    id: 'A17',
    does: 'serves different bytes for the tag later',
    verdict: 'pass',
    code: null,
    also: ['tag-unpinned'],
    attack: async () => ({ ...(await told()), tagGiven: true }),
  },
  {
    id: 'A18',
    does: 'serves a manifest that is an index too',
    verdict: 'fail',
    code: 'manifest-ambiguous',
    attack: () => manifestText(text => text.replace('{', '{"manifests":[],')),
    honest: () => manifestText(text => text),
  },
  {
    id: 'A18 keys',
    does: 'serves a manifest with a duplicate key',
    verdict: 'fail',
    code: 'manifest-ambiguous',
    attack: () => manifestText(text => text.replace('"layers":', '"layers":[],"layers":')),
  },
  {
    id: 'A18 case',
    does: 'serves a manifest with a key that differs in case only',
    verdict: 'fail',
    code: 'manifest-ambiguous',
    attack: () => manifestText(text => text.replace('{', '{"Layers":[],')),
  },
  {
    id: 'A18 type',
    does: 'serves an image as an index',
    verdict: 'fail',
    code: 'manifest-ambiguous',
    attack: () => manifestText(text => text, 'application/vnd.oci.image.index.v1+json'),
  },
  {
    id: 'A19',
    does: 'puts a path where a digest belongs',
    verdict: 'fail',
    code: 'digest-invalid',
    attack: () => manifestText(text => text.replace(/sha256:[a-f0-9]{64}/, 'sha256:../../x')),
    honest: () => manifestText(text => text),
  },
  {
    id: 'A20',
    does: 'withholds a blob from the verifier',
    verdict: 'indeterminate',
    code: 'layer-unavailable',
    attack: async () => {
      const story = await tell({ policy: { evidence: 'blobs' } });
      const [first, ...rest] = readLayers(story.head.image);
      const missing = { index: 0, digest: first!.digest, outcome: 'unavailable' as const };
      return { ...story.input, layerEvidence: [missing, ...rest] };
    },
    honest: async () => {
      const story = await tell({ policy: { evidence: 'blobs' } });
      return { ...story.input, layerEvidence: readLayers(story.head.image) };
    },
  },
  {
    id: 'A21',
    does: 'points a layer elsewhere: its blob was not fetched',
    verdict: 'indeterminate',
    code: 'layer-unavailable',
    attack: async () => {
      const story = await tell({
        steps: [
          BASE,
          RUNTIME,
          appOn([{ ...os, digest: digestOf('foreign') }, hardening, node, certificates, code, assets]),
        ],
      });
      const foreign = { index: 0, digest: digestOf('foreign'), outcome: 'unavailable' as const };
      return { ...story.input, layerEvidence: [foreign] };
    },
    honest: async () => {
      const story = await tell({
        steps: [
          BASE,
          RUNTIME,
          appOn([{ ...os, digest: digestOf('foreign') }, hardening, node, certificates, code, assets]),
        ],
      });
      return { ...story.input, layerEvidence: readLayers(story.head.image) };
    },
  },
  {
    id: 'B1',
    does: 'builds on a modified base and points prev at the real one',
    verdict: 'fail',
    code: 'chain-before-mismatch',
    attack: () =>
      tellApp(
        appOn([os, evil, node, certificates, code, assets], claim =>
          rechained(claim, [os, evil, node, certificates]),
        ),
      ),
    honest: () =>
      tellApp(
        appOn([os, hardening, node, certificates, code, assets], claim =>
          rechained(claim, [os, hardening, node, certificates]),
        ),
      ),
  },
  {
    id: 'B1 copied',
    does: 'builds on a modified base and copies the real one’s values',
    verdict: 'fail',
    code: 'chain-mismatch',
    attack: () => tellApp(appOn([os, evil, node, certificates, code, assets])),
  },
  {
    id: 'B2',
    does: 'lists the base’s diffIDs and points at evil blobs',
    verdict: 'fail',
    code: 'layer-diffid-mismatch',
    attack: async () => {
      const story = await tell({ steps: [BASE, RUNTIME, poisoned] });
      return { ...story.input, layerEvidence: readLayers(story.head.image) };
    },
    honest: async () => {
      const story = await tell();
      return { ...story.input, layerEvidence: readLayers(story.head.image) };
    },
  },
  {
    id: 'B2 shallow',
    does: 'the same, and nobody reads the blobs',
    verdict: 'indeterminate',
    code: 'layer-unproven',
    attack: () => tellApp(poisonedStep()),
  },
  {
    id: 'B3',
    does: 'inserts a layer between two spans, with honest indices',
    verdict: 'fail',
    code: 'coverage-gap',
    attack: () =>
      tellApp(
        appOn([os, hardening, evil, node, certificates, code, assets], claim => ({
          ...claim,
          span: { from: 5, to: 7 },
          layers: claimLayers(APP.layers, 5),
        })),
      ),
  },
  {
    id: 'B3 shifted',
    does: 'inserts a layer and lets its own span begin where it should',
    verdict: 'fail',
    code: 'coverage-short',
    also: ['chain-mismatch'],
    attack: () => tellApp(appOn([os, hardening, evil, node, certificates, code, assets])),
  },
  {
    id: 'B4',
    does: 'swaps the layers of base and runtime',
    verdict: 'fail',
    code: 'chain-mismatch',
    attack: () => tellApp(appOn([node, certificates, os, hardening, code, assets])),
  },
  {
    id: 'B5',
    does: 'leaves out the base’s hardening layer',
    verdict: 'fail',
    code: 'coverage-excess',
    also: ['chain-mismatch'],
    attack: () => tellApp(appOn([os, node, certificates, code, assets])),
  },
  {
    id: 'B5 honest',
    does: 'leaves out the hardening layer and says what it built on',
    verdict: 'fail',
    code: 'base-mismatch',
    attack: () =>
      tellApp(
        appOn([os, node, certificates, code, assets], claim =>
          rechained(
            {
              ...claim,
              base: { ...claim.base!, layers: 3 },
              span: { from: 3, to: 5 },
              layers: claimLayers(APP.layers, 3) as ContentClaim['layers'],
            },
            [os, node, certificates],
          ),
        ),
      ),
  },
  {
    id: 'B6',
    does: 'brings an old base layer back on top',
    verdict: 'fail',
    code: 'layer-repeats-lower',
    attack: () => tellApp({ ...APP, layers: [code, os] }),
  },
  {
    id: 'B7',
    does: 'uses an old, validly marked base',
    verdict: 'fail',
    code: 'mark-stale',
    attack: () => told({ steps: [{ ...BASE, time: daysAgo(180) }, RUNTIME, APP] }),
  },
  {
    id: 'B8',
    does: 'uses a base that was meant for another team',
    verdict: 'fail',
    code: 'handover-denied',
    attack: () =>
      told({ steps: [BASE, { ...RUNTIME, edit: claim => ({ ...claim, next: ['games'] }) }, APP] }),
    honest: () => told({ steps: [BASE, { ...RUNTIME, edit: claim => ({ ...claim, next: ['app'] }) }, APP] }),
  },
  {
    id: 'B9',
    does: 'signs a claim of another team',
    verdict: 'fail',
    code: 'key-not-authorised',
    attack: () => told({ steps: [BASE, { ...RUNTIME, signers: ['amy'] }, APP] }),
  },
  {
    id: 'B9 head',
    does: 'signs as the runtime team, about the final image',
    verdict: 'fail',
    code: 'key-not-authorised',
    attack: () => tellApp({ ...APP, signers: ['rita'] }),
  },
  {
    id: 'B10',
    does: 'one person signs for two teams',
    verdict: 'fail',
    code: 'signer-reuse',
    attack: async () => withTeamOfTwo(true),
    honest: async () => withTeamOfTwo(false),
  },
  {
    id: 'B11',
    does: 'reaches a threshold of two with one key',
    verdict: 'fail',
    code: 'threshold-not-met',
    attack: () => told({ steps: [{ ...BASE, signers: ['linus', 'linus'] }, RUNTIME, APP] }),
  },
  {
    id: 'B11 keys',
    does: 'reaches a threshold of two with two keys of one signer',
    verdict: 'fail',
    code: 'threshold-not-met',
    attack: () => told({ steps: [{ ...BASE, signers: ['linus', 'linus-2'] }, RUNTIME, APP] }),
    honest: () => told({ steps: [{ ...BASE, signers: ['linus-2', 'grace'] }, RUNTIME, APP] }),
  },
  {
    id: 'B12',
    does: 'two honest signers make two claims',
    verdict: 'fail',
    code: 'threshold-not-met',
    also: ['duplicate-claims'],
    attack: async () => {
      const story = await tell({ steps: [{ ...BASE, signers: ['linus'] }, RUNTIME, APP] });
      const second = buildLink({ ...BASE, time: daysAgo(19) });
      return plus(story.input, await mark(second.claim, ['grace']));
    },
    honest: async () => {
      const story = await tell({ steps: [{ ...BASE, signers: ['linus'] }, RUNTIME, APP] });
      return plus(story.input, await mark(story.links[0]!.claim, ['grace']));
    },
  },
  {
    id: 'B13',
    does: 'claims every layer as the first step',
    verdict: 'fail',
    code: 'step-missing',
    attack: () => told({ steps: [{ ...APP, layers: everything, run: APP_RUN }], policy: noApprovals }),
    honest: () => told({ policy: noApprovals }),
  },
  {
    id: 'B13 prev',
    does: 'claims every layer on top of the others',
    verdict: 'fail',
    code: 'coverage-overlap',
    attack: () =>
      tellApp({
        ...APP,
        edit: claim => ({ ...claim, span: { from: 0, to: 6 }, layers: claimLayers(everything, 0) }),
      }),
  },
  {
    id: 'B14',
    does: 'claims only part of its layers',
    verdict: 'fail',
    code: 'coverage-short',
    attack: () => tellApp({ ...appOn(everything), layers: [code] }),
  },
  {
    id: 'B15',
    does: 'presents the approval of the base for the finished image',
    verdict: 'fail',
    code: 'approval-missing',
    also: ['mark-other-subject'],
    attack: async () => {
      const story = await tell();
      const scan = buildApproval({ rule: 'scan', team: 'security', time: daysAgo(1) }, story.links[0]!);
      return plus(without(story.input, /^scan by/), await mark(scan, ['sam'], { place: 'attached' }));
    },
  },
  {
    id: 'B16',
    does: 'skips checking what it built on',
    verdict: 'fail',
    code: 'unchecked-step',
    attack: () =>
      tellApp({
        ...APP,
        edit: claim => ({ ...claim, checked: { ...claim.checked!, verdict: 'skipped' } }),
      }),
  },
  {
    id: 'B16 silent',
    does: 'does not say whether it checked',
    verdict: 'fail',
    code: 'unchecked-step',
    attack: () => tellApp({ ...APP, edit: ({ checked: _, ...claim }) => claim }),
  },
  {
    id: 'B17',
    does: 'presents the approval of build 1 for build 2',
    verdict: 'fail',
    code: 'approval-missing',
    attack: async () => {
      const [first, second] = [await tell(), await tellBuild2()];
      return plus(without(second.input, /^scan by/), await mark(first.approvals.scan, ['sam']));
    },
    honest: async () => (await tellBuild2()).input,
  },
  {
    id: 'B17 subject',
    does: 'approves build 1 in a claim whose subject is build 2',
    verdict: 'fail',
    code: 'prev-mismatch',
    attack: async () => {
      const [first, second] = [await tell(), await tellBuild2()];
      const scan = { ...first.approvals.scan, subject: second.approvals.scan.subject };
      return plus(without(second.input, /^(?:scan|promote) by/), await mark(scan, ['sam']));
    },
    honest: async () => (await tellBuild2()).input,
  },
  {
    id: 'B31',
    does: 'signs a payload with critical and Critical',
    verdict: 'fail',
    code: 'payload-ambiguous',
    attack: () => signedByApp(text => text.replace('{', '{"Critical":{},')),
    honest: () => signedByApp(text => text),
  },
  {
    id: 'B31 keys',
    does: 'signs a payload with a duplicate key',
    verdict: 'fail',
    code: 'payload-ambiguous',
    attack: () => signedByApp(text => text.replace('"type":', '"type":"other","type":')),
    honest: () => signedByApp(text => text),
  },
  {
    id: 'B32',
    does: 'passes off two layers as one whose diffID is their ChainID',
    verdict: 'fail',
    code: 'coverage-excess',
    also: ['chain-mismatch'],
    attack: async () => {
      const crafted = { ...evil, diffID: extendChain(os.diffID, [hardening.diffID]) as Layer['diffID'] };
      expect(extendChain('empty', [crafted.diffID])).toBe(
        extendChain('empty', [os.diffID, hardening.diffID]),
      );
      return tellApp(appOn([crafted, node, certificates, code, assets]));
    },
  },
  {
    id: 'B33',
    does: 'runs as root',
    verdict: 'fail',
    code: 'config-denied',
    attack: () => tellApp({ ...APP, run: { User: 'root' } }),
    honest: () => tellApp({ ...APP, run: { User: 'app' } }),
  },
  ...['0', '0:0', 'root:app', '00', ''].map(
    (user): Row => ({
      id: `B33 user ${JSON.stringify(user)}`,
      does: 'runs as root, spelt otherwise',
      verdict: 'fail',
      code: 'config-denied',
      attack: () =>
        told({ steps: [{ ...BASE, run: { User: 'nobody' } }, RUNTIME, { ...APP, run: { User: user } }] }),
      honest: () =>
        told({ steps: [{ ...BASE, run: { User: 'nobody' } }, RUNTIME, { ...APP, run: { User: '1000' } }] }),
    }),
  ),
  ...[
    { Env: ['PATH=/bin', 'LD_PRELOAD=/tmp/x.so'] },
    { Env: ['PATH=/tmp:/bin'] },
    { Env: [] },
    { Volumes: { '/etc': {} } },
    { OnBuild: ['RUN true'] },
    { Healthcheck: { Test: ['CMD', '/tmp/x'] } },
    { entrypoint: ['/tmp/x'] },
    { Unheard: 'of' },
  ].map(
    (run): Row => ({
      id: `B33 ${JSON.stringify(run)}`,
      does: 'changes a config key it may not',
      verdict: 'fail',
      code: 'config-denied',
      attack: () => tellApp({ ...APP, run: { ...APP.run, ...run } }),
      honest: () => tellApp({ ...APP, run: { ...APP.run, Env: ['PATH=/bin', 'APP_MODE=fast'] } }),
    }),
  ),
  {
    id: 'B34',
    does: 'forges the history',
    verdict: 'pass',
    code: null,
    also: ['history-untrusted'],
    attack: () =>
      tellApp({
        ...APP,
        image: { history: [...everything].reverse().flatMap(entry => historyOf([entry])) },
      }),
  },
  {
    id: 'B35',
    does: 'names an approved base in a label',
    verdict: 'pass',
    code: null,
    also: ['annotation-mismatch'],
    attack: () =>
      tellApp({
        ...APP,
        run: { Labels: { 'org.opencontainers.image.base.digest': digestOf('approved') } },
      }),
  },
  {
    id: 'B35 annotation',
    does: 'names an approved base in an annotation',
    verdict: 'pass',
    code: null,
    also: ['annotation-mismatch'],
    attack: () =>
      tellApp({ ...APP, image: { annotations: { 'org.opencontainers.image.base.name': 'debian:12' } } }),
  },
  {
    id: 'B36',
    does: 'flattens everything into one layer',
    verdict: 'fail',
    code: 'step-missing',
    also: ['custody-collapsed'],
    attack: () => told({ steps: [{ ...APP, layers: [layer('flat')], run: APP_RUN }], policy: noApprovals }),
    honest: () => told({ policy: noApprovals }),
  },
  {
    id: 'B37',
    does: 'squashes without leave',
    verdict: 'fail',
    code: 'kind-denied',
    attack: () => signedByApp(text => text.replace('"kind":"add"', '"kind":"squash"')),
    honest: () => signedByApp(text => text),
  },
  {
    id: 'B38',
    does: 'says that it only repacked, and changed a file',
    verdict: 'fail',
    code: 'kind-denied',
    attack: () => signedByApp(text => text.replace('"kind":"add"', '"kind":"repack"')),
    honest: () => signedByApp(text => text),
  },
  {
    id: 'B39',
    does: 'rebases onto what nobody approved',
    verdict: 'fail',
    code: 'kind-denied',
    attack: () => signedByApp(text => text.replace('"kind":"add"', '"kind":"rebase"')),
    honest: () => signedByApp(text => text),
  },
  {
    id: 'B40',
    does: 'makes two claims that name different owners',
    verdict: 'fail',
    code: 'custody-ambiguous',
    attack: () => twoHeads(false),
    honest: () => twoHeads(true),
  },
  {
    id: 'B41 future',
    does: 'dates its claim ahead',
    verdict: 'fail',
    code: 'time-implausible',
    attack: () => tellApp({ ...APP, time: daysAgo(-1) }, noApprovals),
    honest: () => tellApp(APP, noApprovals),
  },
  {
    id: 'B41 past',
    does: 'dates its claim before what it was built on',
    verdict: 'fail',
    code: 'time-implausible',
    attack: () => tellApp({ ...APP, time: daysAgo(11) }, noApprovals),
    honest: () => tellApp({ ...APP, time: daysAgo(9) }, noApprovals),
  },
  {
    id: 'B42',
    does: 'alters the carried config of an ancestor',
    verdict: 'fail',
    code: 'config-unavailable',
    attack: async () => {
      const story = await tell();
      const altered = story.input.carried.map(bytes =>
        utf8(Buffer.from(bytes).toString().replace('PATH=/bin', 'PATH=/tmp')),
      );
      return { ...story.input, carried: altered };
    },
  },
  {
    id: 'B43',
    does: 'signs something else that parses as a mark',
    verdict: 'fail',
    code: 'payload-inconsistent',
    attack: () => signedByApp(text => text.replace('cosign container image signature', 'targets')),
    honest: () => signedByApp(text => text),
  },
  {
    id: 'B43 digest',
    does: 'lets cosign see another image than the claim',
    verdict: 'fail',
    code: 'payload-inconsistent',
    attack: () =>
      signedByApp(text =>
        text.replace(/("docker-manifest-digest":")sha256:[a-f0-9]{64}/, `$1${digestOf('other')}`),
      ),
    honest: () => signedByApp(text => text),
  },
  {
    id: 'B44',
    does: 'makes a chain of too many links',
    verdict: 'fail',
    code: 'limit-exceeded',
    attack: () => longChain(LIMITS.chainLinks - 1),
    honest: () => longChain(LIMITS.chainLinks - 2),
  },
  {
    id: 'B46',
    does: 'adopts the layers of the base to skip its team',
    verdict: 'fail',
    code: 'kind-denied',
    also: ['step-missing'],
    attack: () =>
      told({
        steps: [
          {
            ...adopting('docker.io/library/debian:12', ['cosign-key:debian'], 'app', 'app'),
            signers: ['amy'],
            repo: REPOSITORY,
          },
        ],
        policy: noApprovals,
      }),
    honest: () => told({ policy: noApprovals }),
  },
  {
    id: 'B47',
    does: 'adopts an upstream that is not allowed',
    verdict: 'fail',
    code: 'upstream-denied',
    attack: () => adopted('docker.io/someone/debian:12', ['cosign-key:debian']),
    honest: () => adopted('docker.io/library/debian:12', ['cosign-key:debian']),
  },
  {
    id: 'B47 unchecked',
    does: 'adopts an upstream of which nothing was checked',
    verdict: 'fail',
    code: 'evidence-missing',
    attack: () => adopted('docker.io/library/debian:12', ['none']),
    honest: () => adopted('docker.io/library/debian:12', ['none', 'dct:debian']),
  },
  {
    id: 'B48',
    does: 'promotes first and scans later',
    verdict: 'fail',
    code: 'approval-order',
    attack: async () => {
      const story = await tell();
      const { saw: _, ...promote } = story.approvals.promote;
      return plus(without(story.input, /^promote by/), await mark(promote as never, ['rob', 'ria']));
    },
  },
  {
    id: 'B48 other',
    does: 'promotes on the strength of another image’s scan',
    verdict: 'fail',
    code: 'approval-order',
    attack: async () => {
      const [story, other] = [await tell(), await tellBuild2()];
      const promote = { ...story.approvals.promote, saw: [claimDigest(other.approvals.scan)] };
      return plus(without(story.input, /^promote by/), [
        ...(await mark(promote, ['rob', 'ria'])),
        ...(await mark(other.approvals.scan, ['sam'])),
      ]);
    },
  },
  {
    id: 'B49',
    does: 'withdraws another team’s claim',
    verdict: 'pass',
    code: null,
    also: ['mark-unverifiable'],
    attack: async () => {
      const story = await tell();
      return plus(story.input, await markStatement(buildWithdrawal(story.links[0]!, 'app'), ['amy']));
    },
  },
  {
    id: 'B49 name',
    does: 'withdraws in the other team’s name, with its own key',
    verdict: 'pass',
    code: null,
    also: ['mark-unverifiable'],
    attack: async () => {
      const story = await tell();
      return plus(story.input, await markStatement(buildWithdrawal(story.links[0]!, 'base'), ['amy']));
    },
  },
  {
    id: 'C1',
    does: 'forges everything with a stolen key of threshold 1, within its rules: cannot be told',
    verdict: 'pass',
    code: null,
    attack: async () => {
      const forged = await tellApp({ ...APP, layers: [evil] });
      return forged;
    },
  },
  {
    id: 'C2',
    does: 'forges a base mark with one stolen key of two',
    verdict: 'fail',
    code: 'threshold-not-met',
    attack: () => told({ steps: [{ ...BASE, layers: [evil], signers: ['grace'] }, RUNTIME, APP] }),
    honest: () => told({ steps: [{ ...BASE, layers: [evil] }, RUNTIME, APP] }),
  },
  {
    id: 'C9 SHA-1',
    does: 'signs with P-256 and SHA-1',
    verdict: 'fail',
    code: 'key-algorithm-denied',
    attack: () => signWeakly('sha1'),
    honest: () => signWeakly('sha256'),
  },
  {
    id: 'C9 RSA',
    does: 'signs with RSA of 1024 bits',
    verdict: 'fail',
    code: 'key-algorithm-denied',
    attack: () => smallRsa(1024),
    honest: () => smallRsa(2048),
  },
  {
    id: 'E1',
    does: 'a mirror recompressed the layers',
    verdict: 'fail',
    code: 'subject-mismatch',
    attack: () => recompressed({}, true),
    honest: () => recompressed({ identity: 'content' }, true),
  },
  {
    id: 'E1 content',
    does: 'the same, and the policy goes by content: nobody read the blobs',
    verdict: 'indeterminate',
    code: 'layer-unproven',
    attack: () => recompressed({ identity: 'content' }, false),
    honest: () => recompressed({ identity: 'content' }, true),
  },
  {
    id: 'E2',
    does: 'verifies by tag',
    verdict: 'pass',
    code: null,
    also: ['tag-unpinned'],
    attack: async () => ({ ...(await told()), tagGiven: true }),
  },
  {
    id: 'E3',
    does: 'docker save and load',
    verdict: 'fail',
    code: 'subject-mismatch',
    attack: () => reloaded({}),
    honest: () => reloaded({ identity: 'content' }),
  },
  {
    id: 'E3 content',
    does: 'the same, and the policy goes by content',
    verdict: 'pass',
    code: null,
    also: ['identity-content'],
    attack: () => reloaded({ identity: 'content' }),
  },
];

const everything = [os, hardening, node, certificates, code, assets];
const APP_RUN = { Cmd: ['/opt/app/run'] };

function poisonedStep(): StepDraft {
  const layers = [{ ...os, digest: digestOf('gzip evil') }, hardening, node, certificates, code, assets];
  return appOn(layers);
}
const poisoned: StepDraft = {
  ...poisonedStep(),
  image: {
    layers: [{ ...evil, digest: digestOf('gzip evil') }, hardening, node, certificates, code, assets],
    diffIDs: everything.map(({ diffID }) => diffID),
  },
};

const tellBuild2 = () => tell({ steps: [BASE, RUNTIME, { ...APP, layers: [layer('code 2'), assets] }] });

async function withTeamOfTwo(reuse: boolean): Promise<VerifyInput> {
  const story = await tell();
  const policy = await aPolicy();
  const mallory = { name: 'mallory', keys: [(await aSigner('rita')).publicKey] };
  const amy = (await aSigner('amy')).publicKey;
  const teams = policy.teams.map(team =>
    team.name === 'runtime'
      ? { ...team, signers: [mallory] }
      : team.name === 'app'
        ? { ...team, signers: [{ name: reuse ? 'mallory' : 'amy', keys: [amy] }] }
        : team,
  );
  return { ...story.input, policy: { ...policy, teams } };
}

describe.each(ROWS)('$id: $does', ({ verdict, code: expected, also = [], attack, honest }) => {
  test(`is ${verdict} (${expected})`, async () => {
    const result = await verify(await attack());
    expect(result).toMatchObject({ verdict, code: expected });
    const codes = result.findings.map(finding => finding.code);
    for (const other of also) expect(codes).toContain(other);
    if (verdict !== 'pass') {
      expect(result.findings[0]).toMatchObject({ code: expected, severity: verdict });
    }
  });

  test('passes, and without these findings, once the one defect is gone', async () => {
    const result = await verify(honest ? await honest() : await told());
    expect(result.findings.filter(({ severity }) => severity !== 'warning')).toEqual([]);
    expect(result).toMatchObject({ verdict: 'pass', code: null });
    const codes = result.findings.map(finding => finding.code);
    for (const other of also) expect(codes).not.toContain(other);
  });
});

test('A13: an unmarked platform in the index', async () => {
  expect(await verifyIndexOf(await indexOf(true))).toMatchObject({ verdict: 'pass', code: null });
  expect(await verifyIndexOf(await indexOf(false))).toMatchObject({
    verdict: 'fail',
    code: 'index-child-unmarked',
  });
});

test('A12 in an index: the child is for another platform than its entry says', async () => {
  expect(await verifyIndexOf(await indexOf(true, 'riscv64'))).toMatchObject({
    verdict: 'fail',
    code: 'platform-mismatch',
  });
});

/** Rows that this check cannot see by itself, and the tests that have them. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  'trust-attacks.test.ts': ['A22', 'C3', 'C4', 'C5', 'C6', 'C8'],
  '../verify/trust-attacks.test.ts': ['A9', 'A10', 'C7'],
  '../verify/content-attacks.test.ts': [
    'B18',
    'B19',
    'B20',
    'B21',
    'B22',
    'B23',
    'B24',
    'B25',
    'B26',
    'B27',
    'B28',
    'B29',
    'B30',
    'B45',
  ],
};
/** Whoever owns the policy is the root of trust: nothing is to be refused. */
const OUTSIDE_THE_MODEL = ['C10'];

test('every row of the table has its fixture, here or in the test that is named', () => {
  const span = (letter: string, count: number) =>
    Array.from({ length: count }, (_, at) => `${letter}${at + 1}`);
  const all = [...span('A', 22), ...span('B', 49), ...span('C', 10), ...span('E', 3)];
  const here = new Set(['A13', ...ROWS.map(({ id }) => id.split(' ')[0]!)]);
  const elsewhere = [...Object.values(ELSEWHERE).flat(), ...OUTSIDE_THE_MODEL];
  expect(all.filter(id => !here.has(id) && !elsewhere.includes(id))).toEqual([]);
  for (const [file, ids] of Object.entries(ELSEWHERE)) {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');
    expect(ids.filter(id => !new RegExp(`'(?:[A-Z][0-9]+ and )?${id}\\b`).test(text))).toEqual([]);
  }
  expect(elsewhere.filter(id => here.has(id))).toEqual([]);
});
