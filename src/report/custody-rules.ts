import type { CustodyPolicy, CustodyVerdict, Finding } from '../custody/index.js';
import { isAbout } from '../custody/index.js';
import { MARKS } from './custody-table.js';
import { countOf, formatAge, formatSince } from './custody-words.js';
import { sayMetadata, sayPredicates } from './metadata-words.js';

/** The rules of a policy as sentences, each with what this image made of it. */

export function explainFlow({ chain, findings }: CustodyVerdict, policy: CustodyPolicy): readonly string[] {
  const steps = policy.flow.map(rule => {
    const links = chain.filter(({ step }) => step === rule.step);
    const [least, most] = rule.count;
    const count = least === most ? countOf(most, 'time') : `${least} to ${most} times`;
    const asked = [
      `${rule.kinds.join(' or ')} by team ${rule.team}`,
      count,
      `${countOf(rule.threshold, 'signer')} or more`,
      ...(rule.maxAge === undefined ? [] : [`at most ${formatAge(rule.maxAge / 1000)} old`]),
      ...(rule.upstream === undefined ? [] : [`from ${rule.upstream.join(', ')}`]),
    ];
    const about = findings.filter(
      ({ where }) => where === `step ${rule.step}` || links.some(({ claim }) => isAbout(where, claim)),
    );
    const done = links.map(({ team, signers, age }) => {
      return `${team} (${signers.join(', ') || 'nobody of the team'}), ${formatSince(Math.floor(age / 1000))}`;
    });
    return sentence(`step ${rule.step}`, asked, done.join('; ') || undefined, about);
  });
  const distinct = policy.distinctSigners ? ['one person never stands for two teams'] : [];
  return [...steps, ...distinct];
}

export function explainApprovals(
  { approvals, findings }: CustodyVerdict,
  policy: CustodyPolicy,
): readonly string[] {
  if (policy.approvals.length === 0) return ['the policy asks for none'];
  return policy.approvals.map(rule => {
    const given = approvals.find(approval => approval.rule === rule.name);
    const asked = [
      `by team ${rule.team} on ${rule.on === undefined ? 'the image' : `step ${rule.on}`}`,
      `${countOf(rule.threshold, 'signer')} or more`,
      ...(rule.maxAge === undefined ? [] : [`at most ${formatAge(rule.maxAge / 1000)} old`]),
      ...(rule.after.length === 0 ? [] : [`after ${rule.after.join(', ')}`]),
      ...(rule.evidence.length === 0 ? [] : [`with ${rule.evidence.join(', ')}`]),
    ];
    const done = given
      ? `${given.team} (${given.signers.join(', ')}), ${formatSince(Math.floor(given.age / 1000))}`
      : undefined;
    const about = findings.filter(
      ({ where }) => where === `approval ${rule.name}` || where.startsWith(`approval ${rule.name} (`),
    );
    return sentence(`approval ${rule.name}`, asked, done, about);
  });
}

export function explainConfig({ chain }: CustodyVerdict, policy: CustodyPolicy): readonly string[] {
  const steps = [...new Set(chain.filter(({ kind }) => kind !== 'adopt').map(({ step }) => step))];
  const finished = [...sayMetadata(policy.metadata), ...sayPredicates(policy)];
  const changes = steps.map(step => {
    const rules = Object.hasOwn(policy.config, step) ? policy.config[step] : undefined;
    if (rules === undefined) return `step ${step}: may change anything`;
    const never = rules.deny.length === 0 ? '' : `; never ${rules.deny.join(', ')}`;
    return `step ${step}: may change ${rules.allow.join(', ') || 'nothing'}${never}`;
  });
  return [...changes, ...finished.map(({ rule, asks }) => `${rule}: ${asks}`)];
}

export function explainContents({ chain, level }: CustodyVerdict, policy: CustodyPolicy): readonly string[] {
  if (level !== 'content') return [];
  const steps = [...new Set(chain.filter(({ kind }) => kind !== 'adopt').map(({ step }) => step))];
  const seals =
    policy.seals?.honour === false ? 'seals do not count' : 'what a step has sealed stays as it is above it';
  const sealed = chain.flatMap(({ step, seals: own }) =>
    own.map(({ paths, ops }) => `step ${step} has sealed ${shorten(paths)} against ${ops.join(', ')}`),
  );
  return [...steps.map(step => `step ${step}: ${pathsInWords(policy, step)}`), ...sealed, seals];
}

/** What a step may do to files. */
export function pathsInWords({ paths = {}, seals }: CustodyPolicy, step: string): string {
  const rules = Object.hasOwn(paths, step) ? paths[step] : undefined;
  if (rules === undefined) return 'may add, change and delete any file';
  const { allow, deny, delete: mayDelete, modes } = rules;
  const override = seals?.override.filter(({ by }) => by === step) ?? [];
  const denied = (
    ['setuid', 'setgid', 'capabilities', 'devices', 'worldWritable', 'outwardLinks'] as const
  ).filter(mode => modes[mode] === 'deny');
  return [
    `may write ${shorten(allow) || 'nothing'}`,
    `may delete ${shorten(mayDelete) || 'nothing'}`,
    ...(deny.length === 0 ? [] : [`never ${shorten(deny)}`]),
    ...(denied.length === 0 ? [] : [`no ${denied.join(', ')}`]),
    ...(modes.uid === undefined ? [] : [`users ${modes.uid.join(' to ')}`]),
    ...(modes.gid === undefined ? [] : [`groups ${modes.gid.join(' to ')}`]),
    ...override.map(({ of, paths }) => `in spite of the seals of step ${of}: ${shorten(paths ?? ['/**'])}`),
  ].join('; ');
}

function shorten(patterns: readonly string[]): string {
  return patterns.length > 8
    ? `${patterns.slice(0, 7).join(', ')} and ${patterns.length - 7} more`
    : patterns.join(', ');
}

/** A rule that found nothing to hold to, and nothing missing, is neither met nor broken. */
function sentence(
  name: string,
  asked: readonly string[],
  done: string | undefined,
  about: readonly Finding[],
): string {
  const bad = about.filter(({ severity }) => severity !== 'warning');
  const codes = [...new Set(bad.map(({ code }) => code))];
  return [`${signOf(done, bad)} ${name}: ${asked.join(', ')}`, done ?? 'not there', ...codes].join(': ');
}

function signOf(done: string | undefined, bad: readonly Finding[]): string {
  if (bad.some(({ severity }) => severity === 'fail')) return MARKS.failed.sign;
  if (bad.length > 0) return MARKS.indeterminate.sign;
  return done === undefined ? '–' : MARKS.verified.sign;
}
