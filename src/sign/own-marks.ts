import type { Digest } from '../base/digest.js';
import { type CustodyChain, carriedMark, type TeamMark } from '../custody/index.js';
import type { CollectedMarks } from '../verify/collect-marks.js';

/** What an image's next custody artifact takes over: its teams' marks, and whatever earlier artifacts held. */
export function chainOf(own: readonly TeamMark[], collected: CollectedMarks): CustodyChain {
  const inArtifacts = collected.marks.filter(({ place }) => place === 'artifact');
  return {
    marks: [...own.map(({ mark }) => mark), ...inArtifacts].map(carriedMark),
    documents: collected.carried,
  };
}

/** Manifests of bundles that hold one of these marks, and so nothing else. */
export function bundlesOf(own: readonly TeamMark[]): readonly Digest[] {
  return own.flatMap(({ mark }) =>
    mark.place === 'attached' && mark.carrier === 'bundle' ? [mark.source as Digest] : [],
  );
}
