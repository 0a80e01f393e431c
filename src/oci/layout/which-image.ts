import type { Digest } from '../../base/digest.js';
import { fail, TouchmarkError } from '../../base/errors.js';
import type { Descriptor } from '../descriptor.js';
import { parseManifest } from '../manifest.js';
import { formatReference, type ImageReference } from '../reference.js';
import type { LayoutBackend } from './backend.js';
import { isAttachment, type LayoutIndex } from './layout-index.js';
import { loadListed } from './stored-manifests.js';

/** With more images than this the reference is ambiguous whatever some of them refer to. */
const LOOKED_INTO = 100;

/** The images of a layout, each once: what is listed, without signatures, fallback indexes and other referrers. */
export async function listImages(backend: LayoutBackend, index: LayoutIndex): Promise<Descriptor[]> {
  const images = new Map<Digest, Descriptor>();
  for (const entry of index.entries) {
    if (!isAttachment(entry)) images.set(entry.descriptor.digest, entry.descriptor);
  }
  if (images.size < 2 || images.size > LOOKED_INTO) return [...images.values()];
  for (const descriptor of [...images.values()]) {
    if (parseManifest(await loadListed(backend, descriptor)).subject) images.delete(descriptor.digest);
  }
  return [...images.values()];
}

export function failSeveral(
  backend: LayoutBackend,
  reference: Pick<ImageReference, 'transport' | 'location'>,
  index: LayoutIndex,
): never {
  const images = index.entries.filter(entry => !isAttachment(entry));
  const names = images.map(entry =>
    entry.name === undefined ? `@${entry.descriptor.digest}` : `:${entry.name}`,
  );
  const choices = names.slice(0, 20).map(name => `${reference.transport}:${reference.location}${name}`);
  return fail('usage-reference', `${backend.what} holds several images`, {
    hint: `say which one: ${choices.join(', ')}${names.length > 20 ? ', …' : ''}`,
    details: { tags: images.flatMap(entry => entry.name ?? []) },
  });
}

export async function explainMissing(
  backend: LayoutBackend,
  wanted: Pick<ImageReference, 'transport' | 'location' | 'tag' | 'digest'>,
): Promise<TouchmarkError> {
  const index = await backend.readIndex();
  const tags = (index?.entries ?? [])
    .filter(entry => !isAttachment(entry))
    .flatMap(entry => entry.name ?? []);
  const shown = formatReference(wanted);
  if (!index) {
    return new TouchmarkError('oci-not-found', `there is no image at ${shown}`, {
      hint: `${wanted.location} does not exist or is empty; copy an image there first`,
      details: { image: shown },
    });
  }
  return new TouchmarkError('oci-not-found', `${shown} does not exist`, {
    hint:
      tags.length > 0
        ? `${backend.what} has the tags ${tags.slice(0, 20).join(', ')}${tags.length > 20 ? ', …' : ''}`
        : `${backend.what} has no tags`,
    details: { image: shown, tags: tags.slice(0, 100) },
  });
}
