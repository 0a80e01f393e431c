import { type CustodyVerdict, type EvidenceLevel, type Finding, sayFinding } from '../custody/index.js';
import { field } from './custody-layout.js';
import type { ImageLayer } from './custody-picture.js';
import { pictureOf } from './custody-picture-of.js';
import { layerTable } from './custody-table.js';
import { countOf, countRepeats, formatSince, nameChain, nameStep, shortDigest } from './custody-words.js';
import { type Line, line } from './lines.js';

export interface CustodyTextOptions {
  /** How the image is called, by digest; by default its repository and digest. */
  readonly pinned?: string;
  /** The manifest's layers, for their sizes. */
  readonly layers?: readonly ImageLayer[];
}

/**
 * A custody verdict for people: one line that says yes or no, who stands for what, and whose each layer is. Of a no
 * first what failed, then the rest; what to do about it is the error's to say. At most 100 columns wide, save for
 * references and digests, which are never broken.
 */
export function presentCustody(verdict: CustodyVerdict, options: CustodyTextOptions = {}): readonly Line[] {
  const name = options.pinned ?? pinnedName(verdict.subject);
  const layers = layerTable(pictureOf(verdict, options.layers));
  return [
    heading(name, verdict),
    ...(verdict.verdict === 'pass' ? affirm(verdict) : refuse(verdict)),
    ...(layers.length > 0 ? [line(''), ...layers] : []),
  ];
}

export function pinnedName({
  repository,
  manifest,
}: Pick<CustodyVerdict['subject'], 'repository' | 'manifest'>): string {
  return repository === null ? manifest : `${repository}@${manifest}`;
}

export function heading(name: string, { verdict, code }: Pick<CustodyVerdict, 'verdict' | 'code'>): Line {
  if (verdict === 'pass') return line(name, '  ', { text: 'verified', style: 'green' });
  const text = verdict === 'fail' ? `not verified: ${code}` : `not verified: ${code} (could not be decided)`;
  return line(name, '  ', { text, style: verdict === 'fail' ? 'red' : 'yellow' });
}

function affirm(verdict: CustodyVerdict): readonly Line[] {
  const { chain, layers, level, findings } = verdict;
  return [
    ...field('custody', `${nameChain(chain)}, ${countOf(layers.length, 'layer')}, no gaps`),
    ...list('signed by', foldList(countRepeats(chain.map(signature)), 24)),
    ...approvalLines(verdict),
    ...field('level', level === null ? 'none' : `${level}: ${LEVEL_WORDS[level]}`),
    ...field('policy', policyName(verdict)),
    ...notes(findings),
  ];
}

function refuse(verdict: CustodyVerdict): readonly Line[] {
  const [first, ...others] = verdict.findings;
  const { chain } = verdict;
  const more = others.filter(({ severity }) => severity !== 'warning');
  return [
    ...(first ? field('why', sayFinding(first)) : []),
    ...list(
      'also',
      foldList(
        more.map(found => `${found.code}: ${sayFinding(found)}`),
        12,
      ),
    ),
    ...(chain.length > 0 ? field('custody', `${nameChain(chain)}: claimed, and not accepted`) : []),
    ...list('signed by', foldList(countRepeats(chain.map(signature)), 24)),
    ...approvalLines(verdict),
    ...field('policy', policyName(verdict)),
    ...notes(others),
  ];
}

/** What is known of every layer at each level. */
export const LEVEL_WORDS: Readonly<Record<EvidenceLevel, string>> = {
  marks: 'signatures and links hold; nothing ties every stored layer to what was signed',
  manifest: 'every layer has the digest that its owner signed; its bytes need not have been read',
  blobs: 'every layer was read and unpacks to what its owner signed',
  content: 'every layer was read, and every file in it held to the rules',
};

function signature(entry: CustodyVerdict['chain'][number]): string {
  const signers = entry.signers.join(', ') || 'nobody of the team';
  return `${nameStep(entry)}: ${signers}, ${formatSince(Math.floor(entry.age / 1000))}`;
}

function approvalLines({ approvals }: CustodyVerdict): readonly Line[] {
  const words = approvals.map(({ rule, team, signers, age }) => {
    return `${rule} by ${team}: ${signers.join(', ')}, ${formatSince(Math.floor(age / 1000))}`;
  });
  return list('approved', foldList(words, 24));
}

function policyName({ policy }: CustodyVerdict): string {
  return `${policy.name}, version ${policy.version} (${shortDigest(policy.digest)})`;
}

export function notes(findings: readonly Finding[]): readonly Line[] {
  const words = countAlike(findings.filter(({ severity }) => severity === 'warning')).map(
    found => `${found.code}: ${sayFinding(found)}${found.hint === undefined ? '' : ` (${found.hint})`}`,
  );
  return list('note', foldList(words, 8));
}

/** Findings that say the same of several places as one: an image may carry any number of signatures by strangers. */
function countAlike(findings: readonly Finding[]): readonly Finding[] {
  const groups = new Map<string, { readonly first: Finding; more: number }>();
  for (const found of findings) {
    const same = `${found.code} ${found.message}`;
    const group = groups.get(same);
    if (group) group.more++;
    else groups.set(same, { first: found, more: 0 });
  }
  return [...groups.values()].map(({ first, more }) =>
    more === 0 ? first : { ...first, where: `${first.where} and ${more} more` },
  );
}

/** Anybody can attach material by the thousand: what is printed is bounded, JSON has everything. */
export function foldList(items: readonly string[], most: number): readonly string[] {
  if (items.length <= most) return items;
  return [...items.slice(0, most - 1), `and ${items.length - most + 1} more; -o json lists them`];
}

export function list(label: string, items: readonly string[]): readonly Line[] {
  return items.flatMap((item, at) => field(at === 0 ? label : '', item));
}
