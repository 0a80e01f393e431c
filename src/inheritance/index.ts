/**
 * What images are built on: the tree of several images down to scratch.
 *
 * What must hold:
 * - collecting (I/O) and building the tree (pure) are apart: a lineage holds all that was found out about one image;
 * - with a policy only a chain of custody that holds puts an image below another one; an image whose chain does not hold is
 *   shown by its layers alone, with the reason;
 * - without a policy everything is said to be self-asserted;
 * - what could not be looked up is `unknown`, never up to date, and where nobody has scanned there is no number of findings;
 * - only registries that the user named are asked, whatever images say.
 */
export type { GivenReport } from './attribute-reports.js';
export { buildInheritance } from './build-tree.js';
export { type CollectedInheritance, type CollectOptions, collectInheritance } from './collect.js';
export type * from './inheritance.js';
