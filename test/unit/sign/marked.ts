import type { CustodyPolicy } from '../../../src/custody/index.js';
import type { Store } from '../../../src/oci/store.js';
import { pushImage } from '../../../src/testing/image.js';
import { approvalRule } from '../custody/world.js';
import {
  type MarkedDraft,
  type MarkedImage,
  markedImage,
  plantBundle,
  plantMarks,
  SCAN,
} from '../custody-images.js';
import { aSigner } from '../images.js';

/** Stores an image with everything that proves who put its layers there, and the scan unless it is left out. */
export async function plantScanned(
  store: Store,
  { scan = true, tag, ...draft }: MarkedDraft & { readonly scan?: boolean; readonly tag?: string },
): Promise<MarkedImage> {
  const marked = await markedImage(draft);
  await pushImage(store, marked.image, tag);
  await plantMarks(store, marked);
  if (scan) await plantBundle(store, marked.image.manifest, marked.approval, 'security');
  await store.commit();
  return marked;
}

export const PROMOTE: CustodyPolicy['approvals'][number] = approvalRule({
  name: 'promote',
  team: 'release',
  after: ['scan'],
});

/** Production takes what development made, once somebody of the release team, `rob` or `ria`, has promoted it there. */
export async function promotionPolicy(
  { policy }: MarkedImage,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<CustodyPolicy> {
  const signers = await Promise.all(
    ['rob', 'ria'].map(async name => ({ name, keys: [(await aSigner(name)).publicKey] })),
  );
  return {
    ...policy,
    repositories: [to],
    relocations: [{ from, to, via: 'promote' }],
    teams: [...policy.teams, { name: 'release', signers }],
    approvals: [SCAN, PROMOTE],
  };
}
