import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import {
  type BundlePolicy,
  parseSigstoreBundle,
  parseTrustedRoot,
  verifyBundle,
} from '../../src/sigstore/index.js';
import { ARTIFACT, Deployment, ISSUER, SUBJECT } from '../unit/sigstore/deployment.js';
import { median } from './measure.js';
import type { Bench } from './site.js';
import { type Result, times } from './table.js';

const POLICY: BundlePolicy = {
  signer: { kind: 'identity', anyOf: [{ subject: { exact: SUBJECT }, issuer: { exact: ISSUER } }] },
  artifact: { digests: {}, bytes: ARTIFACT },
  predicateTypes: 'any',
  logs: 1,
  time: { kind: 'vouched', sources: 2 },
};

/**
 * Bundles from their bytes to the answer, on one thread, warm, beside `@sigstore/verify`: certificate, promise of a certificate log,
 * promise and proof of Rekor v1, timestamp, signature over a file. Each bundle has its own key and certificate.
 */
export async function measureSigstore({ quick }: Pick<Bench, 'quick'>): Promise<readonly Result[]> {
  const deployment = new Deployment();
  const count = quick ? 20 : 200;
  const bundles = Array.from({ length: count }, () =>
    Buffer.from(JSON.stringify(deployment.sign({ timestamp: true }).bundle)),
  );
  const root = Buffer.from(JSON.stringify(deployment.root()));
  const ours = ownVerifier(root);
  const theirs = theirVerifier(root);
  const rounds: { readonly ours: number; readonly theirs: number }[] = [];
  for (let round = -2; round < (quick ? 3 : 9); round++) {
    const times = { ours: await timeOf(bundles, ours), theirs: await timeOf(bundles, theirs) };
    if (round >= 0) rounds.push(times);
  }
  const own = median(rounds.map(round => round.ours));
  const other = median(rounds.map(round => round.theirs));
  const rate = (time: number) => `${((count * 1000) / time).toFixed(0)}/s`;
  return [
    {
      what: 'certificate, promises, proof, timestamp: bundles a second',
      ours: rate(own),
      theirs: `\`@sigstore/verify\` ${rate(other)}`,
      ratio: times(other / own),
      bar: '≥ 3',
    },
    await measureMemory(bundles, ours, quick ? 500 : 10_000),
  ];
}

type Verify = (bytes: Buffer) => Promise<boolean>;

function ownVerifier(bytes: Buffer): Verify {
  const root = parseTrustedRoot(bytes);
  return async bundle => (await verifyBundle(parseSigstoreBundle(bundle), root, POLICY)).ok;
}

function theirVerifier(bytes: Buffer): Verify {
  const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(bytes.toString())));
  const verifier = new Verifier(material, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 2 });
  const policy = { subjectAlternativeName: SUBJECT, extensions: { issuer: ISSUER } };
  return async bundle => {
    verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(bundle.toString())), ARTIFACT), policy);
    return true;
  };
}

async function timeOf(bundles: readonly Buffer[], verify: Verify): Promise<number> {
  const started = performance.now();
  for (const bundle of bundles) if (!(await verify(bundle))) throw new Error('a good bundle was refused');
  return performance.now() - started;
}

/** What stays in memory: after the first tenth, and after all. */
async function measureMemory(bundles: readonly Buffer[], verify: Verify, total: number): Promise<Result> {
  const after = async (count: number) => {
    for (let done = 0; done < count; done += bundles.length) await timeOf(bundles, verify);
    globalThis.gc?.();
    return process.memoryUsage().rss / 2 ** 20;
  };
  const tenth = await after(total / 10);
  const all = await after((total * 9) / 10);
  return {
    what: `memory after ${total} bundles, beside it after a tenth of them`,
    ours: `${all.toFixed(0)} MiB`,
    theirs: `${tenth.toFixed(0)} MiB`,
    ratio: times(all / tenth),
    bar: '< 1.2',
  };
}
