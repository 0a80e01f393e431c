import { createSigner } from '../crypto/create-signer.js';
import { generateKey } from '../crypto/generate-key.js';
import type { Signer } from '../crypto/keys.js';
import {
  atLevel,
  type CustodyVerdict,
  type FoundMark,
  isImageClaim,
  marksOfChain,
  readTeamMarks,
  type TeamMark,
  verify,
  withoutPredicates,
} from '../custody/index.js';
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from '../signature/dsse.js';
import type { CollectedMarks } from '../verify/collect-marks.js';
import type { ClaimPlan } from './plan-claim.js';
import { refuseFor } from './stand-on.js';

/**
 * Judges the chain as if somebody of the team had signed: with a key made for the question, which the policy as asked here
 * gives to the team. So nobody is asked for a password who could not use the key.
 */
export async function rehearseUnsigned(plan: ClaimPlan): Promise<CustodyVerdict> {
  const signer = await createSigner(await generateKey('ecdsa-p256'));
  const member = { name: 'this claim', keys: [signer.publicKey] };
  const teams = plan.policy.teams.map(team =>
    team.name === plan.claim.team ? { ...team, signers: [...team.signers, member] } : team,
  );
  return rehearse({ ...plan, policy: { ...plan.policy, teams } }, [signer]);
}

/**
 * Would the chain hold with these signatures?
 * @throws TouchmarkError with the reason why not
 */
export async function rehearse(plan: ClaimPlan, signers: readonly Signer[]): Promise<CustodyVerdict> {
  const rehearsed = plan.documents.flatMap(({ carrier, document }) =>
    signers.map((signer): FoundMark => {
      const payloadType = carrier === 'bundle' ? IN_TOTO_PAYLOAD_TYPE : undefined;
      const message = payloadType === undefined ? document : preAuthEncoding(payloadType, document);
      return {
        carrier,
        place: 'attached',
        source: 'this claim',
        payload: document,
        payloadType,
        signature: signer.sign(message),
        keyHint: signer.publicKey.keyid,
      };
    }),
  );
  const { collected } = plan.image;
  return judgePlanned(plan, {
    marks: [...collected.marks, ...rehearsed, ...marksOfChain(plan.carried, 'base')],
    carried: [...collected.carried, ...plan.carried.documents],
    unread: collected.unread,
  });
}

/**
 * Judges the image by the planned claim alone, for another one that holds would hide that this one does not; and then
 * together with the others, which may hold as well and name other owners.
 * @throws TouchmarkError with the first thing that does not hold and that the claim should not stand on
 */
export async function judgePlanned(
  plan: ClaimPlan,
  { marks, carried, unread }: Pick<CollectedMarks, 'marks' | 'carried' | 'unread'>,
): Promise<CustodyVerdict> {
  const { image, policy, now, handover } = plan;
  const judge = (chosen: readonly FoundMark[]) =>
    verify({
      image: {
        repository: image.repository,
        manifest: { mediaType: image.raw.descriptor.mediaType, bytes: image.raw.bytes },
        config: image.config,
        indexPlatform: image.indexPlatform,
      },
      marks: chosen,
      carried,
      unread,
      layerEvidence: [],
      // The layers are read when the claim is planned.
      policy: atLevel(withoutPredicates(policy), 'marks'),
      now,
      tagGiven: false,
      ...(handover !== undefined && { handover: { team: handover } }),
    });
  const read = await readTeamMarks(marks, policy);
  const rivals = new Set(read.filter(mark => isRival(mark, plan)).map(({ mark }) => mark));
  const verdict = await judge(marks.filter(mark => !rivals.has(mark)));
  refuse(plan, verdict, code => !plan.tolerated.includes(code));
  if (rivals.size > 0) refuse(plan, await judge(marks), code => code === 'custody-ambiguous');
  return verdict;
}

/** Another claim in the place of the planned one: about the same image, and for an approval of the same rule. */
function isRival({ claim, digest }: TeamMark, planned: ClaimPlan): boolean {
  if (digest === planned.digest || !isImageClaim(claim)) return false;
  if (claim.subject.manifest.digest !== planned.claim.subject.manifest.digest) return false;
  if (planned.claim.kind === 'approve') return claim.kind === 'approve' && claim.step === planned.claim.step;
  return claim.kind !== 'approve';
}

function refuse(
  { claim }: ClaimPlan,
  { findings }: CustodyVerdict,
  matters: (code: CustodyVerdict['findings'][number]['code']) => boolean,
): void {
  const problem = findings.find(({ severity, code }) => severity !== 'warning' && matters(code));
  if (!problem) return;
  const { team, step } = claim;
  const details = { image: claim.subject.manifest.digest, team, step };
  refuseFor(problem, 'with this claim the chain does not hold', details);
}
