import { utf8 } from '../../src/base/bytes.js';
import { computeDigest, type Digest } from '../../src/base/digest.js';
import { createSigner, generateKey, type Signer } from '../../src/crypto/index.js';
import { checkSignature } from '../../src/crypto/verify.js';
import {
  type CustodyPolicy,
  claimDigest,
  type DraftBase,
  draftApproval,
  draftContentClaim,
  type FoundMark,
  type ImageClaim,
  serializeMarkPayload,
  serializeMarkStatement,
  type VerifyInput,
  verify,
} from '../../src/custody/index.js';
import { type Descriptor, describe } from '../../src/oci/descriptor.js';
import { serializeManifest } from '../../src/oci/manifest.js';
import { MEDIA_TYPES } from '../../src/oci/media-types.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../../src/signature/dsse.js';
import { median } from './measure.js';
import type { Bench } from './site.js';
import { type Result, times } from './table.js';

const NOW = new Date('2026-11-20T12:00:00Z');
const REPOSITORY = 'registry.example.com/shop/app';
export const TEAMS = ['base', 'runtime', 'platform', 'app', 'release'];
/** How often layers, and marks, are doubled. */
const DOUBLINGS = 4;

/**
 * The check of a chain alone, in this process, warm: everything it needs is in memory. What it costs is compared with
 * verifying the same signatures and doing nothing else, which no check can do without.
 */
export async function measureCustody({ quick }: Bench): Promise<readonly Result[]> {
  const signers = await Promise.all(TEAMS.map(async () => createSigner(await generateKey('ecdsa-p256'))));
  const world: World = { signers, policy: policyOf(signers) };
  const rounds = quick ? 20 : 200;
  const plain = tellChain(world, { layers: 60 });
  const { beyond, signatures } = await measureCheck(plain, rounds);
  const count = plain.marks.length;
  const results: Result[] = [
    {
      what: `${TEAMS.length} teams, 60 layers, ${count} signatures: the check beyond the signatures`,
      ours: milliseconds(beyond),
      theirs: `${count} signatures alone ${milliseconds(signatures)}`,
      ratio: times(beyond / signatures),
      bar: '≤ 3 ms',
    },
  ];
  const grow = async (what: string, unit: number, draft: (factor: number) => ChainDraft) => {
    const most = 2 ** DOUBLINGS;
    const small = await measureCheck(tellChain(world, draft(1)), rounds);
    const large = await measureCheck(tellChain(world, draft(most)), Math.ceil(rounds / 4));
    results.push({
      what: `${unit * most} ${what}, beyond the signatures`,
      ours: milliseconds(large.beyond),
      theirs: `${unit} ${what} ${milliseconds(small.beyond)}, ${most} times that`,
      ratio: times(large.beyond / small.beyond / most),
      bar: '≤ 1.1',
    });
  };
  await grow('layers', 60, factor => ({ layers: 60 * factor }));
  await grow('approvals', 20, factor => ({ layers: 60, approvals: 20 * factor }));
  return [...results, await measureRate(world, quick ? 200 : 10_000)];
}

interface World {
  readonly signers: readonly Signer[];
  readonly policy: CustodyPolicy;
}

interface ChainDraft {
  readonly layers: number;
  /** Of the head, each another claim, as scans over the years are. */
  readonly approvals?: number;
  /** Makes the last step's image, and only that, another one. */
  readonly build?: number;
}

/** A chain of five teams with as many layers each, every claim in both carriers. */
export function tellChain({ signers, policy }: World, draft: ChainDraft): VerifyInput {
  const each = draft.layers / TEAMS.length;
  const marks: FoundMark[] = [];
  const carried: Uint8Array[] = [];
  const layers: { readonly descriptor: Descriptor; readonly diffID: Digest }[] = [];
  let base: DraftBase | undefined;
  let head:
    | { readonly claim: ImageClaim; readonly bytes: Uint8Array; readonly config: Uint8Array }
    | undefined;
  for (const [at, team] of TEAMS.entries()) {
    const signer = signers[at] as Signer;
    const isLast = at === TEAMS.length - 1;
    for (let i = 0; i < each; i++) layers.push(aLayer(`${team} ${i} ${isLast ? (draft.build ?? 0) : ''}`));
    const diffIDs = layers.map(({ diffID }) => diffID);
    const config = utf8(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: { Env: [`PATH=/bin`] },
        rootfs: { type: 'layers', diff_ids: diffIDs },
        history: diffIDs.map(diffID => ({ created_by: `COPY ${diffID}` })),
      }),
    );
    const configDescriptor = describe(MEDIA_TYPES.ociConfig, config);
    const descriptors = layers.map(({ descriptor }) => descriptor);
    const manifest = serializeManifest({ config: configDescriptor, layers: descriptors });
    const claim = draftContentClaim({
      team,
      step: team,
      repository: REPOSITORY,
      time: NOW,
      policy,
      platform: { os: 'linux', architecture: 'amd64' },
      image: { manifest: manifest.descriptor, config: configDescriptor, layers: descriptors, diffIDs },
      ...(base && { base, checked: CHECKED }),
    });
    const digest = claimDigest(claim);
    base = {
      claim: digest,
      team,
      step: team,
      seq: claim.seq,
      time: claim.time,
      manifest: manifest.descriptor.digest,
      config: configDescriptor.digest,
      diffIDs,
    };
    head = { claim, bytes: manifest.bytes, config };
    carried.push(manifest.bytes, config);
    marks.push(...signBoth(claim, signer, isLast ? 'attached' : 'artifact'));
    for (let n = 0; isLast && n < (draft.approvals ?? 0); n++) {
      const evidence = [{ type: 'scan-report', digest: computeDigest(utf8(`report ${n}`)) }];
      const approval = draftApproval({
        team: 'base',
        step: 'scan',
        repository: REPOSITORY,
        time: NOW,
        policy,
        on: { claim, digest },
        checked: CHECKED,
        evidence,
      });
      marks.push(...signBoth(approval, signers[0] as Signer, 'artifact'));
    }
  }
  if (!head) throw new Error('a chain without a team');
  const manifest = { mediaType: MEDIA_TYPES.ociManifest, bytes: head.bytes };
  return {
    image: { repository: REPOSITORY, manifest, config: head.config },
    marks,
    carried,
    layerEvidence: [],
    policy,
    now: NOW,
    tagGiven: false,
  };
}

const CHECKED = {
  verdict: 'pass',
  level: 'blobs',
  at: '2026-11-20T12:00:00Z',
  tool: 'touchmark/0.1.0',
} as const;

function aLayer(seed: string) {
  const bytes = utf8(seed);
  return {
    descriptor: { mediaType: `${MEDIA_TYPES.ociLayer}+gzip`, digest: computeDigest(bytes), size: 1000 },
    diffID: computeDigest(utf8(`tar ${seed}`)),
  };
}

function signBoth(claim: ImageClaim, signer: Signer, place: FoundMark['place']): readonly FoundMark[] {
  const keyHint = signer.publicKey.keyid;
  const payload = serializeMarkPayload(claim, 'touchmark/0.1.0');
  const statement = serializeMarkStatement(claim);
  const source = `${claim.kind} of ${claim.team}`;
  const common = { place, source, keyHint };
  return [
    {
      ...common,
      carrier: 'simplesigning',
      payload,
      payloadType: undefined,
      signature: signer.sign(payload),
    },
    {
      ...common,
      carrier: 'bundle',
      payload: statement,
      payloadType: IN_TOTO_PAYLOAD_TYPE,
      signature: signer.sign(preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, statement)),
    },
  ];
}

export function policyOf(signers: readonly Signer[]): CustodyPolicy {
  const anyone = { maxAge: undefined, threshold: 1 };
  return {
    name: 'shop',
    version: 1,
    digest: computeDigest(utf8('policy')),
    expires: undefined,
    repositories: ['registry.example.com/shop/*'],
    relocations: [],
    teams: TEAMS.map((name, at) => ({
      name,
      signers: [{ name: `${name}-robot`, keys: [(signers[at] as Signer).publicKey] }],
    })),
    skew: 0,
    evidence: 'manifest',
    identity: 'manifest',
    flow: TEAMS.map(team => ({
      ...anyone,
      step: team,
      team,
      kinds: ['add'],
      count: [1, 1],
      upstream: undefined,
      upstreamVerified: false,
    })),
    approvals: [],
    distinctSigners: true,
    config: Object.fromEntries(TEAMS.slice(1).map(team => [team, { allow: ['Env:*'], deny: [] }])),
  };
}

/** Medians in milliseconds: the signatures alone, and what the whole check takes beyond them. */
export async function measureCheck(input: VerifyInput, rounds: number) {
  const alone: number[] = [];
  const whole: number[] = [];
  for (let round = -rounds; round < rounds; round++) {
    const started = performance.now();
    await checkSignatures(input);
    const between = performance.now();
    await mustPass(input);
    const ended = performance.now();
    // As many rounds again go first, for the compiler.
    if (round < 0) continue;
    alone.push(between - started);
    whole.push(ended - between);
  }
  const signatures = median(alone);
  return { signatures, beyond: median(whole) - signatures };
}

/** Each signature once, with the key that made it. */
export async function checkSignatures({ marks, policy }: VerifyInput): Promise<void> {
  const keys = policy.teams.flatMap(({ signers }) => signers.flatMap(signer => signer.keys));
  for (const { payload, payloadType, signature, keyHint } of marks) {
    const key = keys.find(({ keyid }) => keyid === keyHint);
    const message = payloadType === undefined ? payload : preAuthEncoding(payloadType, payload);
    if (!key || !(await checkSignature(key, message, signature)))
      throw new Error('a signature does not verify');
  }
}

async function mustPass(input: VerifyInput): Promise<void> {
  const { verdict, findings } = await verify(input);
  if (verdict !== 'pass') throw new Error(JSON.stringify(findings.slice(0, 3)));
}

/** Verdicts about images that share nothing but the policy and what they are built on. */
async function measureRate(world: World, total: number): Promise<Result> {
  const at = { ours: 0, alone: 0 };
  const batch = 100;
  for (let done = 0; done < total; done += batch) {
    const inputs = Array.from({ length: batch }, (_, i) =>
      tellChain(world, { layers: 60, approvals: 2, build: done + i }),
    );
    const started = performance.now();
    for (const input of inputs) await checkSignatures(input);
    const between = performance.now();
    for (const input of inputs) await mustPass(input);
    at.alone += between - started;
    at.ours += performance.now() - between;
  }
  const rate = (time: number): string => `${((total * 1000) / time).toFixed(0)}/s`;
  return {
    what: `${total} images of one policy, verdicts a second`,
    ours: rate(at.ours),
    theirs: `their signatures alone ${rate(at.alone)}`,
    ratio: times(at.alone / at.ours),
  };
}

function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}
