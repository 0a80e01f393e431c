import type { StoreOptions } from '../oci/context.js';
import { createStoreAccess } from '../oci/open.js';
import { formatSize } from '../report/inspect-text.js';
import { type Line, line } from '../report/lines.js';
import { checkDestination, type Publication, publishRepository } from '../trust/publish.js';
import { Args } from './oclif.js';
import type { Progress } from './progress.js';

/** For commands that publish: where to, besides the folder. */
export const destinationArg = {
  destination: Args.string({
    description: 'publish there as well: oci://REGISTRY/REPO[:TAG], or oci:DIR[:TAG]',
  }),
};

/**
 * Publishes a folder, and from there to a registry or layout. That is asked first: nothing is signed for a place where
 * somebody else has published meanwhile. `work` makes the new state of the folder.
 */
export async function publishTo<T>(
  { folder, destination }: { readonly folder: string; readonly destination: string },
  options: StoreOptions,
  progress: Progress,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly publication: Publication }> {
  const access = createStoreAccess(options);
  try {
    await checkDestination(access, { folder, destination });
    const result = await work();
    const publication = await publishRepository(access, {
      folder,
      destination,
      now: new Date(),
      onProgress: (done, total) => progress.report({ phase: 'publishing', done, total }),
    });
    return { result, publication };
  } finally {
    await access.close();
  }
}

/** What was published where, for people. */
export function presentPublication({ place, changed, uploaded, digest }: Publication): Line {
  const sent = `${uploaded.files} new files, ${formatSize(uploaded.bytes)}`;
  return changed
    ? line({ text: 'published', style: 'green' }, ` at ${place} (${sent}, ${digest.slice(0, 19)})`)
    : line(`${place} had all of it already`);
}
