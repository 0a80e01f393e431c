import { type CustodyPolicy, type CustodyVerdict, type Finding, neededLevel } from '../custody/index.js';
import { formatPlatform } from '../oci/platform.js';
import { AREAS, type Area, areaOf } from './custody-areas.js';
import { caveatsOf } from './custody-caveats.js';
import { indented } from './custody-layout.js';
import { explainApprovals, explainConfig, explainContents, explainFlow } from './custody-rules.js';
import { MARKS } from './custody-table.js';
import { LEVEL_WORDS } from './custody-text.js';
import { countOf, nameChain, shortDigest } from './custody-words.js';
import { type Line, line } from './lines.js';

const TITLES: Readonly<Record<Area, string>> = {
  policy: 'the policy rules',
  subject: 'the image is the one that was asked about',
  marks: 'only signatures by keys of the teams count',
  chain: 'every claim stands on the one below, and the layers have no gap and no second owner',
  flow: 'the steps are those of the policy, by their teams, in order',
  approvals: 'the image was approved',
  config: 'each step changed only the config that it may, and the image is what it must be',
  layers: 'the stored layers are the ones that were signed',
  contents: 'each step changed only the files that it may',
};

/** Parts that a chain in pieces leaves open where they found nothing wrong. */
const BEHIND_CHAIN: readonly Area[] = ['flow', 'approvals', 'config'];

/**
 * What was checked, rule by rule and in order, what the level says, and what a yes does not say.
 * @param policy the one that the verdict was made with
 */
export function explainCustody(verdict: CustodyVerdict, policy: CustodyPolicy): readonly Line[] {
  const required = neededLevel(verdict.chain, policy);
  return [
    line({ text: 'What was checked', style: 'bold' }),
    ...AREAS.flatMap((area, at) => explainArea(area, at + 1, verdict, policy)),
    line(''),
    line({ text: 'What the level says', style: 'bold' }),
    ...indented(`asked for: ${required}: ${LEVEL_WORDS[required]}`, '    ', '  '),
    ...indented(
      verdict.level === null
        ? 'reached: none, for there is no chain whose layers could be looked at'
        : `reached: ${verdict.level}: ${LEVEL_WORDS[verdict.level]}`,
      '    ',
      '  ',
    ),
    line(''),
    line({ text: 'What is not guaranteed', style: 'bold' }),
    ...caveatsOf(verdict, policy).flatMap(caveat => indented(caveat, '    ', '  - ')),
  ];
}

function explainArea(
  area: Area,
  number: number,
  verdict: CustodyVerdict,
  policy: CustodyPolicy,
): readonly Line[] {
  const findings = verdict.findings.filter(found => areaOf(found) === area);
  const { sign, style, words } = outcomeOf(area, findings, verdict);
  return [
    line('  ', { text: sign, style }, ` ${number}  ${TITLES[area]}`),
    ...(words === '' ? [] : indented(words, '       ')),
    ...detailsOf(area, verdict, policy).flatMap(detail => indented(detail, '         ', '       ')),
  ];
}

function outcomeOf(area: Area, findings: readonly Finding[], verdict: CustodyVerdict) {
  const { chain, level } = verdict;
  const codes = (severity: Finding['severity']) => [
    ...new Set(findings.filter(found => found.severity === severity).map(({ code }) => code)),
  ];
  const [failed, open, noted] = [codes('fail'), codes('indeterminate'), codes('warning')];
  if (failed.length > 0) return { ...MARKS.failed, words: `failed: ${[...failed, ...open].join(', ')}` };
  if (open.length > 0) return { ...MARKS.indeterminate, words: `could not be decided: ${open.join(', ')}` };
  const pending = { ...MARKS.unverified, sign: '–' };
  if ((area !== 'policy' && chain.length === 0) || (area === 'layers' && level === null))
    return { ...pending, words: 'not reached' };
  if (area === 'contents' && level !== 'content')
    return {
      ...pending,
      words: noted.length > 0 ? `not looked at; noted: ${noted.join(', ')}` : 'not looked at',
    };
  if (BEHIND_CHAIN.includes(area) && isBroken(verdict))
    return { ...pending, words: 'nothing wrong, as far as the chain is known' };
  return { ...MARKS.verified, words: noted.length > 0 ? `holds; noted: ${noted.join(', ')}` : '' };
}

function isBroken({ findings }: CustodyVerdict): boolean {
  return findings.some(found => areaOf(found) === 'chain' && found.severity !== 'warning');
}

function detailsOf(area: Area, verdict: CustodyVerdict, policy: CustodyPolicy): readonly string[] {
  const { subject, chain, layers } = verdict;
  switch (area) {
    case 'policy': {
      const until = policy.expires
        ? `valid until ${policy.expires.toISOString().slice(0, 10)}`
        : 'never expires';
      const scope = policy.repositories.join(', ') || 'nothing';
      return [
        `${policy.name}, version ${policy.version} (${shortDigest(policy.digest)}), ${until}, for ${scope}`,
      ];
    }
    case 'subject':
      return [
        `${subject.repository ?? 'no repository'}, ${subject.manifest}`,
        ...(subject.platform ? [`platform ${formatPlatform(subject.platform)}`] : []),
        `identity ${policy.identity}: ${policy.identity === 'manifest' ? 'the manifest itself was marked' : 'the same config and layers will do'}`,
      ];
    case 'marks':
      return [
        `${countOf(policy.teams.length, 'team')}: ${policy.teams.map(({ name }) => name).join(', ')}`,
        `found in ${(policy.carriers ?? ['bundle', 'simplesigning']).join(' and ')}; other signatures are left out`,
      ];
    case 'chain':
      return [
        ...(chain.length === 0 ? [] : [nameChain(chain)]),
        ...(layers.length === 0 ? [] : [`${countOf(layers.length, 'layer')} with one owner each`]),
      ];
    case 'flow':
      return explainFlow(verdict, policy);
    case 'approvals':
      return explainApprovals(verdict, policy);
    case 'config':
      return explainConfig(verdict, policy);
    case 'layers':
      return [`each layer at least at level ${neededLevel(chain, policy)}`];
    case 'contents':
      return explainContents(verdict, policy);
  }
}
