import { mapConcurrently } from '../base/concurrency.js';
import type { Digest } from '../base/digest.js';
import { type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { artifactTypeOf, parseManifest, type RawManifest } from '../oci/manifest.js';
import { formatPlatform } from '../oci/platform.js';
import type { Store } from '../oci/store.js';
import { collectSignatures } from '../verify/collect.js';
import { CARRIERS, type FoundSignature } from '../verify/evidence.js';
import { judgeSignature, type TrustedKey } from '../verify/judge.js';
import { findAttachments } from './attachments.js';

/** One thing and what hangs on it or lies below it. */
export interface TreeNode {
  readonly kind: 'index' | 'image' | 'signature' | 'attestations' | 'sbom' | 'referrer' | 'problem';
  /** Of the manifest or document; null for a problem. */
  readonly digest: Digest | null;
  /** Platform, artifact type, carrier and source, or what is wrong. */
  readonly label: string;
  /** Of a signature, when keys were given: who made it, or why it does not count. */
  readonly verdict: {
    readonly valid: boolean;
    readonly key: string | null;
    readonly code: string | null;
  } | null;
  readonly children: readonly TreeNode[];
}

export interface TreeOptions {
  /** Mark each signature as valid or not by these keys; without keys nothing is judged. */
  readonly keys?: readonly TrustedKey[];
  /** The repository that signatures must name to count; undefined: any. */
  readonly repository?: string | undefined;
}

/**
 * The image with everything in it and on it: platforms, signatures of both carriers, attestations, SBOMs, other referrers.
 * What cannot be read stands in the tree as a problem.
 * @throws TouchmarkError what the store throws for the image itself
 */
export async function buildTree(
  store: Store,
  root: RawManifest,
  options: TreeOptions = {},
): Promise<TreeNode> {
  return new TreeBuilder(store, options).image(root, '', 0);
}

class TreeBuilder {
  readonly #seen = new Set<Digest>();

  constructor(
    readonly store: Store,
    readonly options: TreeOptions,
  ) {}

  async image(raw: RawManifest, label: string, depth: number): Promise<TreeNode> {
    const manifest = parseManifest(raw);
    const { digest } = raw.descriptor;
    const about = { digest, verdict: null, kind: manifest.kind, label: label || raw.descriptor.mediaType };
    if (this.#seen.has(digest) || depth > LIMITS.indexDepth) return { ...about, children: [] };
    this.#seen.add(digest);
    const below =
      manifest.kind === 'index'
        ? await mapConcurrently(manifest.manifests, 8, child =>
            this.#fetched(child.digest, raw =>
              this.image(raw, child.platform ? formatPlatform(child.platform) : '', depth + 1),
            ),
          )
        : [];
    return { ...about, children: [...below, ...(await this.#hangingOn(digest, depth))] };
  }

  async #hangingOn(digest: Digest, depth: number): Promise<TreeNode[]> {
    const nodes: TreeNode[] = [];
    const holders = new Set<string>();
    const problem = (source: string, error: TouchmarkError) =>
      nodes.push({
        kind: 'problem',
        digest: null,
        label: `${source}: ${error.message}`,
        verdict: null,
        children: [],
      });
    for await (const { signatures, problems } of collectSignatures(this.store, digest, CARRIERS)) {
      for (const { source, error } of problems) problem(source, error);
      for (const found of signatures) {
        holders.add(found.source);
        nodes.push(await this.#signature(found, digest));
      }
    }
    for (const { kind, digest: at, tag, layers } of await findAttachments(this.store, digest, problem)) {
      if (kind === 'signatures') continue;
      const types = layers.map(layer => layer.predicateType ?? layer.mediaType);
      nodes.push({ kind, digest: at, label: `${tag}: ${types.join(', ')}`, verdict: null, children: [] });
    }
    const referrers = await this.store.listReferrers(digest).catch(() => undefined);
    for (const referrer of referrers?.descriptors ?? []) {
      if (!holders.has(referrer.digest)) nodes.push(await this.#referrer(referrer.digest, depth));
    }
    return nodes;
  }

  async #signature(found: FoundSignature, image: Digest): Promise<TreeNode> {
    const { keys, repository } = this.options;
    const judged = await judgeSignature(found, { image, keys: keys ?? [], annotations: {}, repository });
    const verdict = keys && {
      valid: judged.code === null,
      key: judged.signer?.name ?? null,
      code: judged.code,
    };
    return {
      kind: 'signature',
      digest: judged.payloadDigest,
      label: `${found.carrier} ${found.source}`,
      verdict: verdict ?? null,
      children: [],
    };
  }

  async #referrer(digest: Digest, depth: number): Promise<TreeNode> {
    return this.#fetched(digest, async raw => {
      const label = artifactTypeOf(parseManifest(raw)) ?? raw.descriptor.mediaType;
      const known = this.#seen.has(digest) || depth >= LIMITS.indexDepth;
      this.#seen.add(digest);
      return {
        kind: 'referrer',
        digest,
        label,
        verdict: null,
        children: known ? [] : await this.#hangingOn(digest, depth + 1),
      };
    });
  }

  async #fetched(digest: Digest, build: (raw: RawManifest) => Promise<TreeNode>): Promise<TreeNode> {
    try {
      const raw = await this.store.fetchManifest({ digest });
      if (raw) return await build(raw);
      return { kind: 'problem', digest, label: 'listed but not there', verdict: null, children: [] };
    } catch (error) {
      return { kind: 'problem', digest, label: toTouchmarkError(error).message, verdict: null, children: [] };
    }
  }
}
