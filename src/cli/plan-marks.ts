import type { StoreAccess } from '../oci/open.js';
import { type Located, type MarksOptions, type MarksPlan, planMarks } from '../sign/mark-images.js';
import { readExpires, readSeals } from './flags/custody.js';
import { withOtherImage } from './other-image.js';

/** What flags say about a claim that adds layers. */
export interface MarkFlags {
  readonly team: string;
  readonly step: string;
  readonly as?: string | undefined;
  readonly platform?: string | undefined;
  readonly next?: readonly string[] | undefined;
  readonly seal?: readonly string[] | undefined;
  readonly expires?: string | undefined;
  readonly renew: boolean;
  readonly base?: string | undefined;
  readonly 'insecure-unchecked-base'?: boolean | undefined;
}

export interface MarkContext
  extends Pick<MarksOptions, 'policy' | 'now' | 'creator' | 'signal' | 'onProgress' | 'adopt'> {
  /** The image as it was named. */
  readonly image: string;
  readonly located: Located;
  readonly access: StoreAccess;
  readonly note: (line: string) => void;
}

/**
 * Plans the claims that flags ask for, on the base that they name.
 * @returns also the base by digest; undefined without one
 * @throws TouchmarkError as `planMarks`; `usage-argument` for a time that has passed
 */
export async function planMarksOf(
  flags: MarkFlags,
  { image, located, access, note, ...about }: MarkContext,
): Promise<{ readonly plan: MarksPlan; readonly base: string | undefined }> {
  const options = {
    ...about,
    team: flags.team,
    step: flags.step,
    repository: flags.as,
    platform: flags.platform,
    next: flags.next,
    seals: readSeals(flags.seal),
    expires: readExpires(flags.expires, about.now),
    renew: flags.renew,
    unchecked: flags['insecure-unchecked-base'],
  };
  if (flags.base === undefined) return { plan: await planMarks(located, options), base: undefined };
  return withOtherImage(image, flags.base, access, note, async (found, base) => ({
    plan: await planMarks(located, { ...options, base: found }),
    base,
  }));
}
