import type { ScanSubject } from './scan-report.js';

/** Everything that names one image. */
export interface ImageNames {
  readonly manifest: string;
  /** The index that it was reached through. */
  readonly index: string | null;
  readonly config: string | null;
  /** Base first: digest of the blob, and of what it unpacks to. */
  readonly layers: readonly { readonly digest: string; readonly diffID: string }[];
}

/**
 * Whether a report is about an image: by the digest of its manifest or config, of the index that lists it, or by its layers.
 * `unstated`: it names no image by digest; `other`: it names another.
 */
export type SubjectMatch = 'manifest' | 'config' | 'index' | 'layers' | 'unstated' | 'other';

/** One thing that does not fit makes it a report about something else, whatever else fits. */
export function matchSubject(said: ScanSubject, image: ImageNames): SubjectMatch {
  const layers = said.layers.length > 0;
  if (layers && !sameLayers(said.layers, image)) return 'other';
  if (said.images.includes(image.manifest)) return 'manifest';
  if (image.config !== null && said.images.includes(image.config)) return 'config';
  if (image.index !== null && said.images.includes(image.index)) return layers ? 'layers' : 'index';
  if (said.images.length > 0) return 'other';
  return layers ? 'layers' : 'unstated';
}

function sameLayers(said: readonly string[], { layers }: ImageNames): boolean {
  return (
    said.length === layers.length &&
    (layers.every(({ diffID }, at) => said[at] === diffID) ||
      layers.every(({ digest }, at) => said[at] === digest))
  );
}
