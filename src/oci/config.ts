import type { Digest } from '../base/digest.js';
import { Field } from '../base/fields.js';
import { parseJson } from '../base/json.js';
import { LIMITS } from '../base/limits.js';

/** What an image config says (OCI image specification, "Image Configuration"); Docker's is the same. */
export interface ImageConfig {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | null;
  readonly created: string | null;
  /** Digests of the uncompressed layers, base first. */
  readonly diffIDs: readonly Digest[];
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Parses an image config.
 * @throws TouchmarkError `format-config`, `limit-exceeded`
 */
export function parseConfig(bytes: Uint8Array): ImageConfig {
  const value = parseJson(bytes, 'the image config', { code: 'format-config', maxSize: LIMITS.configSize });
  const config = new Field(value, 'config', 'format-config');
  config.onlyKeys(['os', 'architecture', 'rootfs', 'config', 'variant', 'created', 'history', 'author']);
  const rootfs = config.get('rootfs').onlyKeys(['type', 'diff_ids']);
  if (rootfs.get('type').string() !== 'layers') rootfs.get('type').fail('must be "layers"');
  const diffIDs = rootfs.get('diff_ids');
  const run = config.get('config');
  const labels = run.empty ? run : run.get('Labels');
  return {
    os: config.get('os').string(),
    architecture: config.get('architecture').string(),
    variant: config.get('variant').optionalString() ?? null,
    created: config.get('created').optionalString() ?? null,
    diffIDs: diffIDs.empty ? [] : diffIDs.array(LIMITS.layers).map(id => id.digest()),
    labels: labels.empty ? {} : labels.stringMap(),
  };
}
