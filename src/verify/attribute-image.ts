import { computeDigest, type Digest } from '../base/digest.js';
import { fail } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import type { CustodyPolicy, CustodyVerdict } from '../custody/index.js';
import type { StoreAccess } from '../oci/open.js';
import {
  matchSubject,
  reaches,
  readScanReport,
  type ScanFormat,
  type ScanReport,
  SEVERITIES,
  type SubjectMatch,
} from '../scans/index.js';
import {
  type AttributedFinding,
  type AttributeGate,
  type AttributeReport,
  type FindingFilter,
  type GateRule,
  isTeamsOrNobodys,
  type ReportApproval,
  summarizeScan,
} from './attribute-report.js';
import { createOwnerFinder } from './finding-owners.js';
import { type AdmittedImage, type OpenOptions, openPackages } from './open-contents.js';

export interface AttributeOptions extends OpenOptions, FindingFilter {
  /** The scanner's report as it was read from its file. */
  readonly report: Uint8Array;
  /** What it must be; default: what it says it is. */
  readonly format?: ScanFormat | undefined;
  /** When findings are a no. They are those that `team` and `fixable` choose. */
  readonly gate?: GateRule | undefined;
}

/**
 * Says whose each finding of a scanner's report is. The image's marks and layers decide, never the report: that only says what
 * to look for.
 * @throws TouchmarkError `report-invalid`, also for a gate on components alone; `report-other-image`; `usage-argument` for a team that the policy does not have;
 *   what `openPackages` throws
 */
export async function attributeImage(
  access: StoreAccess,
  reference: string,
  options: AttributeOptions,
): Promise<AttributeReport> {
  if (options.team !== undefined) checkTeam(options.team, options.policy);
  const scan = readScanReport(options.report, options.format);
  if (options.gate && !scan.searched) refuseComponents();
  let subject: Exclude<SubjectMatch, 'other'> = 'unstated';
  const opened = await openPackages(access, reference, {
    ...options,
    unapproved: true,
    admit: image => {
      subject = checkSubject(scan, image);
    },
  });
  const { pinned, through, verdict, layers, tree, packages: history } = opened;
  const findOwners = createOwnerFinder({ layers, tree, packages: history.packages });
  const findings = scan.findings.map(finding => ({ ...finding, ...findOwners(finding) }));
  const components = scan.components.map(component => ({ ...component, ...findOwners(component) }));
  const digest = computeDigest(options.report);
  const { format, formatVersion, tool, created } = scan;
  return {
    ...{ reference, pinned, through, policy: verdict.policy, level: 'content' },
    custody: { verdict: verdict.verdict, code: verdict.code },
    report: {
      ...{ format, formatVersion, tool, created, digest, size: options.report.length, subject },
      name: scan.subject.name,
    },
    approvals: findApprovals(verdict, digest),
    layers,
    summary: summarizeScan(scan, layers, findings, components),
    findings: findings.filter(finding => isChosen(finding, options)).sort(byGravity),
    components: components.filter(component => isTeamsOrNobodys(component, options.team)),
    gate: options.gate ? judge(findings, options, options.gate) : null,
  };
}

/** A misspelt team has no findings: that must not look like a yes. @throws TouchmarkError `usage-argument` */
export function checkTeam(team: string, { teams }: CustodyPolicy): void {
  const names = teams.map(({ name }) => name);
  if (names.includes(team)) return;
  const likely = nearest(team, names);
  fail('usage-argument', `the policy has no team ${JSON.stringify(team)}`, {
    hint: likely === undefined ? `its teams are: ${names.join(', ')}` : `did you mean ${likely}?`,
  });
}

/** That nothing is found where nobody looked is no yes. */
function refuseComponents(): never {
  return fail('report-invalid', 'the report lists components alone: nobody has looked for what to fail on', {
    hint: 'give the report of a scan, such as grype makes of a bill of materials',
  });
}

function checkSubject(
  { subject }: ScanReport,
  { verdict, through, layers }: AdmittedImage,
): Exclude<SubjectMatch, 'other'> {
  const { manifest, config } = verdict.subject;
  const match = matchSubject(subject, { manifest, index: through, config, layers });
  if (match !== 'other') return match;
  const named = [...subject.images, ...subject.layers].slice(0, 8).map(name => name.slice(0, 200));
  return fail('report-other-image', 'the report is about another image', {
    hint: `scan this very image, ${manifest}, and give that report`,
    details: { image: manifest, reportName: subject.name?.slice(0, 200) ?? null, reportNames: named },
  });
}

function findApprovals({ approvals }: CustodyVerdict, report: Digest): readonly ReportApproval[] {
  return approvals.flatMap(({ rule, team, signers, time, age, evidence }) =>
    evidence
      .filter(({ digest }) => digest === report)
      .map(({ type }) => ({ rule, team, signers, time, age: Math.floor(age / 1000), type })),
  );
}

function isChosen(finding: AttributedFinding, { team, severity, fixable }: FindingFilter): boolean {
  return (
    isTeamsOrNobodys(finding, team) &&
    (severity === undefined || finding.severity === 'unknown' || reaches(finding.severity, severity)) &&
    (fixable !== true || finding.fixedIn.length > 0)
  );
}

function byGravity(a: AttributedFinding, b: AttributedFinding): number {
  return (
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    (a.owners[0]?.layer ?? -1) - (b.owners[0]?.layer ?? -1)
  );
}

/** What is nobody's may be the team's, and what nobody rated may be grave: both count, unless they are tolerated. */
function judge(
  findings: readonly AttributedFinding[],
  { team, fixable }: FindingFilter,
  { failOn, tolerate = [] }: GateRule,
): AttributeGate {
  const counted = findings.filter(
    finding =>
      isChosen(finding, { team, fixable, severity: failOn }) &&
      !(finding.owners.length === 0 && tolerate.includes('unattributed')) &&
      !(finding.severity === 'unknown' && tolerate.includes('unknown-severity')),
  );
  const uncertain = counted.filter(({ owners, severity }) => owners.length === 0 || severity === 'unknown');
  return {
    failOn,
    team: team ?? null,
    tolerated: tolerate,
    failing: counted.length,
    uncertain: uncertain.length,
  };
}
