import type { Digest } from '../base/digest.js';
import { type TouchmarkError, toTouchmarkError } from '../base/errors.js';
import { parseManifest } from '../oci/manifest.js';
import { attachmentTag } from '../oci/reference.js';
import type { Store } from '../oci/store.js';

/** Something that cosign hangs on a digest by a computed tag. */
export interface Attachment {
  readonly tag: string;
  readonly kind: 'signatures' | 'attestations' | 'sbom';
  readonly digest: Digest;
  readonly layers: readonly {
    readonly mediaType: string;
    readonly digest: Digest;
    readonly size: number;
    readonly predicateType: string | null;
  }[];
}

const KINDS = [
  ['.sig', 'signatures'],
  ['.att', 'attestations'],
  ['.sbom', 'sbom'],
] as const;

/** Finds the `.sig`, `.att` and `.sbom` tags of a digest; what cannot be read goes to `onProblem`. */
export async function findAttachments(
  store: Store,
  subject: Digest,
  onProblem: (source: string, error: TouchmarkError) => void,
): Promise<readonly Attachment[]> {
  const found = await Promise.all(
    KINDS.map(async ([suffix, kind]): Promise<Attachment[]> => {
      const tag = attachmentTag(subject, suffix);
      try {
        const raw = await store.fetchManifest({ tag });
        if (!raw) return [];
        const manifest = parseManifest(raw);
        const layers = manifest.kind === 'image' ? manifest.layers : [];
        return [
          {
            tag,
            kind,
            digest: raw.descriptor.digest,
            layers: layers.map(({ mediaType, digest, size, annotations }) => ({
              mediaType,
              digest,
              size,
              predicateType: annotations?.['predicateType'] ?? null,
            })),
          },
        ];
      } catch (error) {
        onProblem(tag, toTouchmarkError(error));
        return [];
      }
    }),
  );
  return found.flat();
}
