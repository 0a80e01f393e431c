import { createPrivateKey, sign } from 'node:crypto';
import { utf8 } from '../../src/base/bytes.js';
import { computeDigest, type Digest } from '../../src/base/digest.js';
import { generateKey, type PublicKey } from '../../src/crypto/index.js';
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
const TEAMS = ['base', 'runtime', 'platform', 'app', 'release'];
/** How often layers, and marks, are doubled. */
const DOUBLINGS = 4;

/**
 * The check of a chain alone, in this process, warm: everything it needs is in memory. What it costs is compared with
 * verifying the same signatures and doing nothing else, which no check can do without.
 */
export async function measureCustody({ quick }: Bench): Promise<readonly Result[]> {
  const keys = await Promise.all(TEAMS.map(makeKey));
  const world: World = { keys, policy: policyOf(keys) };
  const rounds = quick ? 20 : 200;
  const plain = tellChain(world, 60);
  const { beyond, signatures } = await measureCheck(plain, rounds);
  const count = plain.marks.length;
  return [
    {
      what: `${TEAMS.length} teams, 60 layers, ${count} signatures: the check beyond the signatures`,
      ours: milliseconds(beyond),
      theirs: `the signatures alone ${milliseconds(signatures)}`,
      ratio: times(beyond / signatures),
      bar: '< 3 ms',
    },
    await measureGrowth('60 layers', rounds, factor => tellChain(world, 60 * factor)),
    await measureGrowth('60 signatures', rounds, factor => tellChain(world, 60, 30 * factor - TEAMS.length)),
    await measureRate(world, quick ? 200 : 10_000),
  ];
}

interface World {
  readonly keys: readonly Key[];
  readonly policy: CustodyPolicy;
}

interface Key {
  readonly publicKey: PublicKey;
  sign(message: Uint8Array): Uint8Array;
}

/** Signs with OpenSSL: our own signer takes its time, and there are many signatures to make. */
async function makeKey(): Promise<Key> {
  const { publicKey, pkcs8 } = await generateKey('ecdsa-p256');
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  return { publicKey, sign: message => sign('sha256', message, key) };
}

/** A chain of five teams with as many layers each, every claim in both carriers. */
function tellChain(world: World, layers: number, approvals = 0): VerifyInput {
  return finish(world, tellBase(world, layers), 'v1', approvals);
}

/** What all teams but the last have built. */
interface Told {
  readonly base: DraftBase | undefined;
  /** That each team adds. */
  readonly each: number;
  readonly layers: readonly Layer[];
  readonly marks: readonly FoundMark[];
  readonly carried: readonly Uint8Array[];
}

interface Layer {
  readonly descriptor: Descriptor;
  readonly diffID: Digest;
}

function tellBase(world: World, layers: number): Told {
  const start = { base: undefined, each: layers / TEAMS.length, layers: [], marks: [], carried: [] };
  return TEAMS.slice(0, -1).reduce<Told>((below, _, at) => addStep(world, below, at, 'v1').told, start);
}

/** The last step on top, and approvals of it, each another claim, as scans over the years are. */
function finish(world: World, below: Told, build: string, approvals: number): VerifyInput {
  const { told, claim, digest, image } = addStep(world, below, TEAMS.length - 1, build);
  const [key] = world.keys as [Key];
  const marks = [...told.marks];
  for (let n = 0; n < approvals; n++) {
    const approval = draftApproval({
      team: 'base',
      step: 'scan',
      repository: REPOSITORY,
      time: NOW,
      policy: world.policy,
      on: { claim, digest },
      checked: CHECKED,
      evidence: [{ type: 'scan-report', digest: computeDigest(utf8(`report ${n}`)) }],
    });
    marks.push(...signBoth(approval, key, 'artifact'));
  }
  return {
    image,
    marks,
    carried: told.carried,
    layerEvidence: [],
    policy: world.policy,
    now: NOW,
    tagGiven: false,
  };
}

function addStep({ keys, policy }: World, below: Told, at: number, build: string) {
  const team = TEAMS[at] as string;
  const own = Array.from({ length: below.each }, (_, i) => aLayer(`${team} ${build} ${i}`));
  const layers = [...below.layers, ...own];
  const diffIDs = layers.map(({ diffID }) => diffID);
  const config = utf8(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/bin', `APP_STEP=${team}`] },
      rootfs: { type: 'layers', diff_ids: diffIDs },
      history: diffIDs.map(diffID => ({ created_by: `COPY ${diffID}` })),
    }),
  );
  const configDescriptor = describe(MEDIA_TYPES.ociConfig, config);
  const descriptors = layers.map(({ descriptor }) => descriptor);
  const manifest = serializeManifest({ config: configDescriptor, layers: descriptors });
  const { digest: manifestDigest, mediaType } = manifest.descriptor;
  const claim = draftContentClaim({
    team,
    step: team,
    repository: REPOSITORY,
    time: NOW,
    policy,
    platform: { os: 'linux', architecture: 'amd64' },
    image: { manifest: manifest.descriptor, config: configDescriptor, layers: descriptors, diffIDs },
    ...(below.base && { base: below.base, checked: CHECKED }),
  });
  const digest = claimDigest(claim);
  const { seq, time } = claim;
  const names = { claim: digest, manifest: manifestDigest, config: configDescriptor.digest };
  const place = at === TEAMS.length - 1 ? 'attached' : 'artifact';
  const told: Told = {
    base: { ...names, team, step: team, seq, time, diffIDs },
    each: below.each,
    layers,
    marks: [...below.marks, ...signBoth(claim, keys[at] as Key, place)],
    carried: [...below.carried, manifest.bytes, config],
  };
  const image = { repository: REPOSITORY, manifest: { mediaType, bytes: manifest.bytes }, config };
  return { told, claim, digest, image };
}

const CHECKED = {
  verdict: 'pass',
  level: 'blobs',
  at: '2026-11-20T12:00:00Z',
  tool: 'touchmark/0.1.0',
} as const;

function aLayer(seed: string): Layer {
  const bytes = utf8(seed);
  return {
    descriptor: { mediaType: `${MEDIA_TYPES.ociLayer}+gzip`, digest: computeDigest(bytes), size: 1000 },
    diffID: computeDigest(utf8(`tar ${seed}`)),
  };
}

function signBoth(claim: ImageClaim, key: Key, place: FoundMark['place']): readonly FoundMark[] {
  const keyHint = key.publicKey.keyid;
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
      signature: key.sign(payload),
    },
    {
      ...common,
      carrier: 'bundle',
      payload: statement,
      payloadType: IN_TOTO_PAYLOAD_TYPE,
      signature: key.sign(preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, statement)),
    },
  ];
}

function policyOf(keys: readonly Key[]): CustodyPolicy {
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
      signers: [{ name: `${name}-robot`, keys: [(keys[at] as Key).publicKey] }],
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
async function measureCheck(input: VerifyInput, rounds: number) {
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
async function checkSignatures({ marks, policy }: VerifyInput): Promise<void> {
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

/** Doubles what is checked again and again: twice as much may cost twice as much. */
async function measureGrowth(
  what: string,
  rounds: number,
  tell: (factor: number) => VerifyInput,
): Promise<Result> {
  const costs: number[] = [];
  for (let factor = 1; factor <= 2 ** DOUBLINGS; factor *= 2) {
    const { beyond } = await measureCheck(tell(factor), Math.ceil(rounds / factor));
    costs.push(beyond);
  }
  const [first = 0, last = 0] = [costs[0], costs.at(-1)];
  return {
    what: `${what}, doubled ${DOUBLINGS} times, beyond the signatures`,
    ours: `${costs.map(cost => cost.toFixed(1)).join(', ')} ms`,
    theirs: `${2 ** DOUBLINGS} times the first ${milliseconds(first * 2 ** DOUBLINGS)}`,
    ratio: times(last / first / 2 ** DOUBLINGS),
    bar: '≤ 1.1',
  };
}

/** Verdicts about images that share the policy and what they are built on, and nothing else. */
async function measureRate(world: World, total: number): Promise<Result> {
  const below = tellBase(world, 60);
  let [own, alone] = [0, 0];
  const batch = 100;
  for (let done = 0; done < total; done += batch) {
    const inputs = Array.from({ length: batch }, (_, i) => finish(world, below, `v${done + i}`, 2));
    const started = performance.now();
    for (const input of inputs) await checkSignatures(input);
    const between = performance.now();
    for (const input of inputs) await mustPass(input);
    alone += between - started;
    own += performance.now() - between;
  }
  const rate = (time: number): string => `${((total * 1000) / time).toFixed(0)}/s`;
  return {
    what: `${total} images under one policy, 60 layers each, verdicts a second`,
    ours: rate(own),
    theirs: `their signatures alone ${rate(alone)}`,
    ratio: times(alone / own),
  };
}

function milliseconds(value: number): string {
  return `${value.toFixed(1)} ms`;
}
