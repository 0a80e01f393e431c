import type { Digest } from '../base/digest.js';
import type { ApprovalEntry, ChainEntry, CustodyVerdict, Finding } from '../custody/index.js';
import { isAbout } from '../custody/index.js';
import { formatPlatform } from '../oci/platform.js';
import { areaOf } from './custody-areas.js';
import type {
  CustodyPicture,
  ImageLayer,
  PictureApproval,
  PictureLayer,
  PictureLink,
  PictureMark,
  PictureState,
} from './custody-picture.js';

/** @param image the manifest's layers: sizes, and layers that no link owns, are known from here only */
export function pictureOf(verdict: CustodyVerdict, image: readonly ImageLayer[] = []): CustodyPicture {
  const { subject, findings } = verdict;
  const links = verdict.chain.map(entry => pictureLink(entry, findings));
  const layers =
    verdict.layers.length > 0 ? ownedLayers(verdict, links, image) : claimedLayers(links, image, 'failed');
  const [first] = links;
  const kind = first?.kind === 'adopt' ? 'upstream' : 'scratch';
  return {
    subject: {
      repository: subject.repository,
      manifest: subject.manifest,
      platform: subject.platform && formatPlatform(subject.platform),
    },
    state: STATES[verdict.verdict],
    code: verdict.code,
    level: verdict.level,
    policy: verdict.policy,
    start: { kind: first?.seq === 0 ? kind : 'missing', name: null },
    links: links.map(link => withLayers(link, layers)),
    approvals: [
      ...verdict.approvals.map(entry => pictureApproval(entry, findings)),
      ...lackingApprovals(verdict),
    ],
    layers,
    findings: findings.map(({ hint, ...found }) => ({ ...found, hint: hint ?? null })),
  };
}

const STATES = { pass: 'verified', fail: 'failed', indeterminate: 'indeterminate' } as const;

function judge(findings: readonly Finding[]): Pick<PictureMark, 'state' | 'codes'> {
  const worst = ['fail', 'indeterminate'].find(severity =>
    findings.some(found => found.severity === severity),
  );
  return {
    state: STATES[(worst ?? 'pass') as keyof typeof STATES],
    codes: [...new Set(findings.map(({ code }) => code))],
  };
}

/** Findings name a claim by the first digits of its digest, as in `step app (sha256:0123456789ab)`. */
function findAbout(findings: readonly Finding[], claim: Digest): readonly Finding[] {
  return findings.filter(({ where }) => isAbout(where, claim));
}

function signed(
  { claim, team, step, signers, time, age }: ChainEntry | ApprovalEntry,
  findings: readonly Finding[],
) {
  const seconds = Math.floor(age / 1000);
  return { claim, team, step, signers, keyids: [], time, age: seconds, ...judge(findAbout(findings, claim)) };
}

function pictureLink(entry: ChainEntry, findings: readonly Finding[]): PictureLink {
  const { kind, seq, span, manifest, seals } = entry;
  return { ...signed(entry, findings), kind, seq, span, manifest, seals };
}

function pictureApproval(entry: ApprovalEntry, findings: readonly Finding[]): PictureApproval {
  return { ...signed(entry, findings), step: entry.rule, on: entry.on };
}

/** Rules that do not hold are known by their findings alone. */
function lackingApprovals({ approvals, findings }: CustodyVerdict): readonly PictureApproval[] {
  const byRule = new Map<string, Finding[]>();
  for (const found of findings) {
    const rule = /^approval (\S+)/.exec(found.where)?.[1];
    if (rule === undefined || approvals.some(given => given.rule === rule)) continue;
    byRule.set(rule, [...(byRule.get(rule) ?? []), found]);
  }
  return [...byRule].map(([step, about]) => ({
    ...{ claim: null, on: null, team: null, step, signers: [], keyids: [], time: null, age: null },
    ...judge(about),
  }));
}

function ownedLayers(
  { layers, findings }: CustodyVerdict,
  links: readonly PictureLink[],
  image: readonly ImageLayer[],
): readonly PictureLayer[] {
  const sizes = new Map(image.map(({ digest, size }) => [digest, size]));
  const byPlace = new Map<string, Finding[]>();
  for (const found of findings) byPlace.set(found.where, [...(byPlace.get(found.where) ?? []), found]);
  // Where two stories hold, or the whole does not add up, no owner is certain.
  const doubtful = findings.some(
    found => found.where === 'image' && found.severity !== 'warning' && areaOf(found) === 'chain',
  );
  return layers.map(({ index, digest, evidence }) => {
    const link = links.find(({ span }) => span.from <= index && index < span.to);
    const own = judge(byPlace.get(`layer ${index}`) ?? []);
    // A layer is no better than the link that vouches for it.
    const state = worse(own.state, link?.state ?? 'failed');
    return {
      index,
      digest,
      size: sizes.get(digest) ?? null,
      owner: link ? { team: link.team, step: link.step, claim: link.claim } : null,
      evidence,
      state: doubtful ? worse(state, 'unverified') : state,
      codes: own.codes,
    };
  });
}

/** And a link is no better than what is wrong with its layers. */
function withLayers(link: PictureLink, layers: readonly PictureLayer[]): PictureLink {
  const wrong = layers.filter(({ owner, codes }) => owner?.claim === link.claim && codes.length > 0);
  return {
    ...link,
    state: wrong.reduce((state, layer) => worse(state, layer.state), link.state),
    codes: [...new Set([...link.codes, ...wrong.flatMap(({ codes }) => codes)])],
  };
}

const ORDER: readonly PictureState[] = ['failed', 'indeterminate', 'unverified', 'verified'];

function worse(a: PictureState, b: PictureState): PictureState {
  return ORDER.indexOf(a) <= ORDER.indexOf(b) ? a : b;
}

/**
 * Layers where the spans do not make up the image, or nobody checked that they do: what one link claims is said to be
 * claimed, and what none or several claim has no owner.
 */
export function claimedLayers(
  links: readonly PictureLink[],
  image: readonly ImageLayer[],
  unowned: PictureState,
): readonly PictureLayer[] {
  return image.map(({ index, digest, size }) => {
    const claiming = links.filter(({ span }) => span.from <= index && index < span.to);
    const [link] = claiming.length === 1 ? claiming : [];
    return {
      index,
      digest,
      size,
      owner: link ? { team: link.team, step: link.step, claim: link.claim } : null,
      evidence: null,
      state: link ? 'unverified' : unowned,
      codes: [],
    };
  });
}
