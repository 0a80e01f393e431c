import type { Field } from '../base/fields.js';
import { LIMITS } from '../base/limits.js';
import { dig, digestIn, place, placesOf, readList, readText, readTexts } from './report-fields.js';
import { readSarifPackage, readSarifSeverity } from './sarif-words.js';
import type { ScanFinding, ScanPlace, ScanReport, ScanSubject } from './scan-report.js';

/**
 * A SARIF log (OASIS, Static Analysis Results Interchange Format 2.1.0). It has no place for packages and images: what Trivy
 * and Grype write into properties, messages and logical locations is read as they write it. A suppressed result is still a
 * finding: whoever suppressed it is not known.
 */
export function readSarif(report: Field): Omit<ScanReport, 'format'> {
  const version = report.get('version');
  if (version.value !== '2.1.0') version.fail('must be 2.1.0');
  const runs = report.get('runs').array(LIMITS.reportEntries).map(openRun);
  const results = runs.flatMap(run => run.results.map(result => ({ run, result })));
  const open = results.filter(({ result }) => !isOver(result));
  const subjects = runs.map(readSubject);
  const [first] = runs;
  return {
    formatVersion: '2.1.0',
    tool: first
      ? { name: first.driver.get('name').string(256), version: readText(first.driver.get('version')) }
      : null,
    created: null,
    subject: {
      name: subjects[0]?.name ?? null,
      images: [...new Set(subjects.flatMap(({ images }) => images))],
      layers: [],
    },
    searched: true,
    findings: open.map(({ run, result }) => readResult(run, result)),
    components: [],
    dismissed: results.length - open.length,
  };
}

interface Run {
  readonly properties: Field;
  readonly driver: Field;
  readonly rules: readonly Field[];
  readonly rulesById: ReadonlyMap<string, Field>;
  readonly artifacts: readonly Field[];
  readonly results: readonly Field[];
}

function openRun(run: Field): Run {
  const driver = run.get('tool').get('driver');
  const rules = readList(driver.get('rules'));
  return {
    properties: run.get('properties'),
    driver,
    rules,
    rulesById: new Map(rules.map(rule => [rule.get('id').string(1024), rule])),
    artifacts: readList(run.get('artifacts')),
    results: readList(run.get('results')),
  };
}

/** Trivy's properties of the run; Grype's qualified names are `IMAGE@DIGEST:PATH`. */
function readSubject({ properties, results }: Run): ScanSubject {
  const imageID = readText(dig(properties, 'imageID'));
  const named = results.flatMap(result => {
    const { qualified } = readLogical(result);
    return /@(sha256:[0-9a-f]{64}):/.exec(qualified ?? '')?.[1] ?? [];
  });
  return {
    name: readText(dig(properties, 'imageName')),
    images: [
      ...(imageID === null ? [] : [imageID]),
      ...readTexts(dig(properties, 'repoDigests')).map(digestIn),
      ...named,
    ],
    layers: [],
  };
}

/** Sections 3.27.9 and 3.27.24: what passed, was not applicable, or has gone since. */
function isOver(result: Field): boolean {
  const kind = readText(result.get('kind')) ?? 'fail';
  return (
    ['pass', 'notApplicable', 'informational'].includes(kind) ||
    readText(result.get('baselineState')) === 'absent'
  );
}

function readResult(run: Run, result: Field): ScanFinding {
  const rule = findRule(run, result);
  const id =
    readText(result.get('ruleId')) ??
    readText(dig(result, 'rule', 'id')) ??
    (rule && readText(rule.get('id')));
  if (!id) return result.fail('names no rule');
  const message = readText(dig(result, 'message', 'text')) ?? '';
  const part = readSarifPackage(message, rule);
  // Grype's rule is one flaw in one package: `CVE-2023-0286-libssl3`.
  const suffix = `-${part?.name}`;
  const fixed = /^Fixed Version: (.+)$/m.exec(message)?.[1] ?? '';
  return {
    id: part && id.endsWith(suffix) ? id.slice(0, -suffix.length) : id,
    aliases: [],
    title: rule ? readText(dig(rule, 'shortDescription', 'text')) : null,
    ...readSarifSeverity(result, rule),
    package: part,
    fixedIn: fixed.split(/,\s*/).filter(text => text !== ''),
    source: null,
    places: readPlaces(run, result),
  };
}

/** Sections 3.27.6 and 3.52: by index into the driver's rules, else by name. */
function findRule({ rules, rulesById }: Run, result: Field): Field | undefined {
  const index = result.get('ruleIndex').empty ? dig(result, 'rule', 'index') : result.get('ruleIndex');
  const byIndex = typeof index.value === 'number' ? rules[index.value] : undefined;
  return byIndex ?? rulesById.get(readText(result.get('ruleId')) ?? '');
}

/** Grype puts the image's name in front of the URI; its logical location has the path alone. */
function readPlaces(run: Run, result: Field): readonly ScanPlace[] {
  const { name, qualified } = readLogical(result);
  if (name !== null && qualified?.endsWith(`:${name}`)) return placesOf([place(name)]);
  return placesOf(
    readList(result.get('locations')).map(location => place(pathOf(run, dig(location, 'physicalLocation')))),
  );
}

function readLogical(result: Field): { readonly name: string | null; readonly qualified: string | null } {
  const [location] = readList(result.get('locations'));
  const [logical] = location ? readList(location.get('logicalLocations')) : [];
  if (!logical) return { name: null, qualified: null };
  return { name: readText(logical.get('name')), qualified: readText(logical.get('fullyQualifiedName')) };
}

/** Section 3.4: a URI, most often relative; or an index into the run's artifacts. */
function pathOf({ artifacts }: Run, physical: Field): string | null {
  const location = dig(physical, 'artifactLocation');
  const index = dig(location, 'index').value;
  const artifact = typeof index === 'number' ? artifacts[index] : undefined;
  const uri =
    readText(dig(location, 'uri')) ?? (artifact ? readText(dig(artifact, 'location', 'uri')) : null);
  if (uri === null) return null;
  const path = uri.replace(/^file:\/\/[^/]*/, '').replace(/[?#].*$/, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
