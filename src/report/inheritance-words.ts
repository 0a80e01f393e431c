import type { Inheritance, InheritanceNode, NameCurrency, NodeImage } from '../inheritance/index.js';
import { SEVERITIES } from '../scans/index.js';
import type { PictureState } from './custody-picture.js';
import { countOf, formatSince, nameStep, shortDigest } from './custody-words.js';
import { formatSize } from './inspect-text.js';

/** What the forms of an inheritance tree say, each in its own shape. */

/** What an image is called: as it was asked for, else by a name under which it was taken. */
export function titleOf({ asked, currency, repository, manifest }: NodeImage): string {
  const [given] = asked;
  if (given !== undefined) return given;
  const tag = currency.names.find(({ kind }) => kind === 'tag');
  return tag?.name ?? `${repository ?? ''}${repository === null ? '' : '@'}${shortDigest(manifest)}`;
}

/** The title without registry and folders, where something is left: for narrow places. */
export function shortTitleOf(image: NodeImage): string {
  const title = titleOf(image);
  const slash = title.lastIndexOf('/');
  return slash < 0 ? title : title.slice(slash + 1);
}

/** How an image stands there: the worse of its own verdict and of how its place is known. */
export function stateOf({ state, basis }: NodeImage): PictureState {
  return state ?? (basis === 'proven' ? 'verified' : 'unverified');
}

export function addsWords({ adds }: Pick<InheritanceNode, 'adds'>): string {
  if (adds.layers === 0) return 'no layers of its own';
  const size = adds.bytes === null ? '' : `, ${formatSize(adds.bytes)}`;
  return `${countOf(adds.layers, 'layer')}${size}`;
}

/** Findings of scanners in these layers; undefined where nobody has scanned. */
export function findingWords({ findings }: Pick<InheritanceNode, 'findings'>): string | undefined {
  if (findings === null) return undefined;
  if (findings.total === 0) return 'no findings in these layers';
  const counts = SEVERITIES.flatMap(severity => {
    const count = findings.bySeverity[severity];
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  return `${countOf(findings.total, 'finding')} in these layers: ${counts.join(', ')}`;
}

/** Whether something is found there that people act upon. */
export function isGrave({ findings }: Pick<InheritanceNode, 'findings'>): boolean {
  return findings !== null && findings.bySeverity.critical + findings.bySeverity.high > 0;
}

/** Findings in images that belong to none of their layers. */
export function looseFindingWords({ images }: Inheritance): readonly string[] {
  return images.flatMap(({ reference, scan }) =>
    scan === null || scan.unattributed === 0
      ? []
      : [`${countOf(scan.unattributed, 'finding')} in ${reference} at no layer, as far as is known`],
  );
}

export function ownerWords({ owners }: Pick<InheritanceNode, 'owners'>): string {
  return owners.map(nameStep).join(', ');
}

export function markWords({ team, step, kind, signers, time, age }: NodeImage['marks'][number]): string {
  const when = age === null ? time : `${formatSince(age)} (${time.slice(0, 10)})`;
  return `${nameStep({ team, step })}: ${kind}, signed by ${signers.join(', ')}, ${when}`;
}

/** When the config says that it was built; builds that can be repeated say the beginning of time. */
export function createdWords({ created }: NodeImage): string | undefined {
  if (created === null) return undefined;
  if (created.age === null) return 'built at a time that is none';
  if (Date.parse(created.time) <= 0) return undefined;
  return `built ${formatSince(created.age)}`;
}

/** Each name, and whether it still leads to the image. */
export function currencyWords({ names, state }: NodeImage['currency']): readonly CurrencyWords[] {
  const nameless = 'not known whether it is up to date: no tag of it is known';
  if (names.length === 0) return [{ state, text: nameless, short: 'currency not known: no tag' }];
  return names.map(name => ({ state: name.state, text: nameWords(name), short: shortNameWords(name) }));
}

export interface CurrencyWords {
  readonly state: NameCurrency['state'];
  readonly text: string;
  /** The same for narrow places. */
  readonly short: string;
}

function nameWords({ name, kind, from, state, by, now, behind, why }: NameCurrency): string {
  const source = by === 'tuf' ? ', by TUF' : '';
  if (kind === 'channel') {
    if (state === 'unknown') return `not known where it is in channel ${name}: ${why}`;
    if (state === 'current') return `up to date: the newest of channel ${name}${source}`;
    return behind === null
      ? `behind: not among the releases of channel ${name}${source}`
      : `behind: ${countOf(behind, 'newer release')} in channel ${name}${source}`;
  }
  const called = from === 'annotation' ? `${name} (so called by the next image)` : name;
  if (state === 'unknown') return `not known whether it is still ${called}: ${why}`;
  if (state === 'current') return `up to date: it is ${called}${source}`;
  return `behind: ${called} is ${now === null ? 'another image' : shortDigest(now)} now${source}`;
}

function shortNameWords({ name, kind, state, behind }: NameCurrency): string {
  const short = kind === 'channel' ? `channel ${name}` : name.slice(name.lastIndexOf('/') + 1);
  if (state === 'behind') return `${behind === null ? 'behind' : `${behind} behind`}: ${short}`;
  return state === 'current' ? `up to date: ${short}` : `not known: ${short}`;
}

export function namedBaseWords({ namedBase }: NodeImage): string | undefined {
  if (namedBase === null) return undefined;
  const { name, digest, why } = namedBase;
  const base = [...(name === null ? [] : [name]), ...(digest === null ? [] : [shortDigest(digest)])].join(
    ' ',
  );
  return `says that it stands on ${base}, which has no place here: ${why}`;
}

/** For narrow places. */
export function shortNamedBaseWords({ namedBase }: NodeImage): string | undefined {
  if (namedBase === null) return undefined;
  const { name, digest, code } = namedBase;
  const base = name ?? (digest === null ? 'an image' : shortDigest(digest));
  return `says that it stands on ${base}: ${code}`;
}

export function basisWords({ basis }: NodeImage): string | undefined {
  return basis === 'self-asserted'
    ? 'self-asserted: an image above names it as its base, and the layers agree'
    : undefined;
}

/** Of the whole tree, in one sentence. */
export function summaryWords({ images, policy }: Inheritance): string {
  const count = countOf(images.length, 'image');
  if (policy === null) return `${count}, not verified: no policy was given, so all of this is self-asserted`;
  const good = images.filter(({ state }) => state === 'verified').length;
  const all = good === images.length ? 'verified' : `${good} of them verified`;
  return `${count}, ${all} by policy ${policy.name}, version ${policy.version}`;
}

/** Images that are built on this place, itself included. */
export function countAsked(node: InheritanceNode): number {
  const own = node.images.reduce((sum, { asked }) => sum + asked.length, 0);
  return node.children.reduce((sum, child) => sum + countAsked(child), own);
}

/** What a place is where images only part. */
export function partingWords(node: InheritanceNode): string {
  return `${countOf(node.depth, 'layer')} that ${countOf(countAsked(node), 'image')} share`;
}

/** Images without a place. */
export function unplacedOf({ images, root }: Inheritance): Inheritance['images'] {
  const placed = new Set(askedIn(root));
  return images.filter(({ reference }) => !placed.has(reference));
}

function askedIn(node: InheritanceNode): readonly string[] {
  return [...node.images.flatMap(({ asked }) => asked), ...node.children.flatMap(askedIn)];
}
