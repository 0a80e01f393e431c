import type { Carrier, CosignMajor } from '../peers/cosign.js';

/** One mark in one carrier: what it says, whose it is. */
export interface Mark {
  readonly says: string;
  /** Where it lies: the name of a repository of the shop. */
  readonly image: string;
  readonly key: string;
  readonly team: string;
  readonly step: string;
  readonly carriers: readonly Carrier[];
}

const BOTH = ['simplesigning', 'bundle'] as const;
const base = { image: 'base', team: 'base', step: 'base', carriers: BOTH };
const app = { image: 'app', key: 'ben', team: 'app', step: 'app', carriers: BOTH };

/** Every way in which a team says yes to an image. What is made by cosign is what `custody claim` prints, in its format. */
export const MARKS: readonly Mark[] = [
  { ...base, says: 'mark of a first layer', key: 'linus' },
  { ...base, says: 'co-signature', key: 'grace' },
  { ...app, says: 'mark of layers on a base' },
  { ...app, says: 'mark of settings alone', image: 'configured' },
  { ...base, says: 'adoption', image: 'upstream', key: 'linus', step: 'upstream' },
  { ...app, says: 'approval', key: 'sec', team: 'security', step: 'scan' },
  { ...app, says: 'mark by cosign 2', image: 'by-cosign-2', carriers: ['simplesigning'] },
  { ...app, says: 'mark by cosign 3', image: 'by-cosign-3', carriers: ['simplesigning'] },
];

export const MAJORS: readonly CosignMajor[] = [2, 3];

/** What cosign is asked about a mark. */
export const QUESTIONS = ['any', 'its team', 'another team'] as const;
export type Question = (typeof QUESTIONS)[number];

/** `yes`, `no`, or with the letter of a note: what cosign has to say. */
export function expectedAnswer(carrier: Carrier, major: CosignMajor, question: Question): string {
  if (question !== 'another team') return 'yes';
  return carrier === 'bundle' && major === 2 ? 'yes (a)' : 'no';
}

/** What is about an image and must not be taken for a team's yes to it. */
export const STATEMENTS = ['withdrawal of a mark', 'claim about an index', 'verdict by --attest'] as const;
export type Statement = (typeof STATEMENTS)[number];
export const VERBS = ['verify', 'verify-attestation'] as const;
export type Verb = (typeof VERBS)[number];

export function expectedOfStatement(statement: Statement, verb: Verb): string {
  if (statement !== 'verdict by --attest') return 'no';
  return verb === 'verify' ? 'yes (b)' : 'yes';
}

/** A way of copying, what cosign finds in the copy, and what custody verify says of it. */
export interface Copying {
  readonly by: string;
  /** A tool that copies on its own; otherwise skopeo copies the image and what lies under these tags. */
  readonly tool?: 'cosign 2' | 'cosign 3' | 'touchmark';
  readonly suffixes?: readonly string[];
  readonly cosign: 'yes' | 'no';
  readonly custody: 'yes' | 'no-marks' | 'prev-missing';
}

export const COPIES: readonly Copying[] = [
  { by: 'skopeo copy', cosign: 'no', custody: 'no-marks' },
  { by: 'skopeo copy, and of its .sig tag', suffixes: ['.sig'], cosign: 'yes', custody: 'prev-missing' },
  { by: 'skopeo copy, and of its .custody tag', suffixes: ['.custody'], cosign: 'no', custody: 'yes' },
  { by: 'skopeo copy, and --all of its referrers’ tag', suffixes: [''], cosign: 'yes', custody: 'yes' },
  { by: 'cosign 2 copy (c)', tool: 'cosign 2', cosign: 'yes', custody: 'prev-missing' },
  { by: 'cosign 3 copy (c)', tool: 'cosign 3', cosign: 'yes', custody: 'prev-missing' },
  { by: 'touchmark copy', tool: 'touchmark', cosign: 'yes', custody: 'yes' },
];
