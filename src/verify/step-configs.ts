import type { ReasonCode } from '../base/codes.js';
import { computeDigest, type Digest } from '../base/digest.js';
import { TouchmarkError } from '../base/errors.js';
import type { JsonObject } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import {
  type ChainEntry,
  type ClaimDescriptor,
  type CustodyVerdict,
  isImageClaim,
  readConfigDocument,
  readMark,
} from '../custody/index.js';
import { MEDIA_TYPES } from '../oci/media-types.js';
import type { Store } from '../oci/store.js';
import { type CollectedMarks, collectEverything } from './collect-marks.js';
import { configValue } from './diff-config.js';

/** A step of a chain, and the config that its image had; undefined when that is not at hand. */
export interface StepConfig extends Pick<ChainEntry, 'step' | 'team'> {
  readonly config: JsonObject | undefined;
}

/**
 * The configs that the images of a chain had, base first. A claim that the verdict stands on names each by digest; whoever
 * hands out the bytes is held to that.
 * @param own config of the image itself
 */
export async function loadStepConfigs(
  store: Store,
  { chain, subject }: CustodyVerdict,
  own: Uint8Array,
): Promise<readonly StepConfig[]> {
  const collected = await collectEverything(store, subject.manifest);
  const named = configsByClaim(collected);
  const carried = new Map([...collected.carried, own].map(bytes => [computeDigest(bytes), bytes]));
  const steps: StepConfig[] = [];
  for (const { step, team, claim } of chain) {
    const descriptor = named.get(claim);
    const bytes = descriptor && (carried.get(descriptor.digest) ?? (await tryFetch(store, descriptor)));
    steps.push({ step, team, config: bytes && orUndefined(() => readConfigDocument(bytes)) });
  }
  return steps;
}

/** By digest of the claim: who made it is of no matter, for only claims of the verdict are looked up. */
function configsByClaim({ marks }: CollectedMarks): ReadonlyMap<Digest, ClaimDescriptor> {
  const configs = new Map<Digest, ClaimDescriptor>();
  for (const mark of marks) {
    const read = orUndefined(() => readMark(mark));
    if (read && isImageClaim(read.claim)) configs.set(read.digest, read.claim.subject.config);
  }
  return configs;
}

/** The config of an image below often lies in another repository: then it is not at hand. */
async function tryFetch(store: Store, { digest, size }: ClaimDescriptor): Promise<Uint8Array | undefined> {
  try {
    return await store.fetchBlob({ mediaType: MEDIA_TYPES.ociConfig, digest, size }, LIMITS.configSize);
  } catch (error) {
    if (error instanceof TouchmarkError && NOT_AT_HAND.includes(error.code)) return undefined;
    throw error;
  }
}

const NOT_AT_HAND: readonly ReasonCode[] = ['layer-unavailable', 'oci-not-found'];

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof TouchmarkError) return undefined;
    throw error;
  }
}

/** The step that last set a value, or took it away; undefined when that cannot be told. */
export function setterOf(
  steps: readonly StepConfig[],
  key: string,
  member: string | undefined,
): StepConfig | undefined {
  let setter: StepConfig | undefined;
  let before: { readonly value: string | undefined } | undefined = { value: undefined };
  for (const step of steps) {
    const now = step.config && { value: configValue(step.config, key, member) };
    if (!before || !now) setter = undefined;
    else if (now.value !== before.value) setter = step;
    before = now;
  }
  return setter;
}
