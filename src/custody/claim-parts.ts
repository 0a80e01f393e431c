import type { ReasonCode } from '../base/codes.js';
import { fail } from '../base/errors.js';
import type { Field } from '../base/fields.js';
import { LIMITS } from '../base/limits.js';
import { pathPatternProblem, SEALED_OPERATIONS } from '../base/path-rules.js';
import { EVIDENCE_LEVELS } from './policy.js';

/** The parts that claims are made of. Each function accepts one part in its one form, or throws with the field's path. */

const DIGEST = /^sha256:[a-f0-9]{64}$/;
/** A name that is safe as a folder, in a URL, in TUF paths, and never taken for an array index. */
const NAME = /^(?![0-9]+$)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/;
const VERDICTS = ['pass', 'fail', 'indeterminate', 'skipped'] as const;

/** Is this a name that a team or a step can have? */
export function isCustodyName(text: string): boolean {
  return NAME.test(text);
}

/** No fractions, nothing that JSON cannot say, bounded depth: so that RFC 8785 gives every reader the same bytes. */
export function checkPlain(value: unknown, path: string, code: ReasonCode): void {
  const problem = findOdd(value, 0);
  if (problem) fail(code, `${path}${problem}`);
}

/** The path is put together only on the way out of what is wrong: this goes over every value of every claim. */
function findOdd(value: unknown, depth: number): string | undefined {
  if (depth > LIMITS.claimDepth) return ` is nested deeper than ${LIMITS.claimDepth}`;
  if (typeof value === 'string')
    return /\p{Surrogate}/u.test(value) ? ' holds half of a surrogate pair' : undefined;
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? undefined : ' must be a whole number';
  if (typeof value !== 'object' || value === null) return undefined;
  for (const key of Object.keys(value)) {
    const problem = findOdd((value as Record<string, unknown>)[key], depth + 1);
    if (problem) return `.${key.slice(0, 60)}${problem}`;
  }
  return undefined;
}

export function each(list: Field, check: (item: Field) => void): void {
  if (list.present) for (const item of list.array(LIMITS.claimEntries)) check(item);
}

export function oneOf<T extends string>(field: Field, allowed: readonly T[], code: ReasonCode): T {
  const text = field.string(100);
  return (allowed as readonly string[]).includes(text)
    ? (text as T)
    : fail(code, `${field.path} is ${JSON.stringify(text)}, not one of ${allowed.join(', ')}`);
}

export function checkDigest(field: Field): void {
  if (!DIGEST.test(field.string())) {
    fail('digest-invalid', `${field.path} is not sha256: and 64 lower-case hex digits`);
  }
}

export function checkName(field: Field): void {
  const text = field.string(1000);
  if (!isCustodyName(text)) {
    field.fail(`${JSON.stringify(text.slice(0, 80))} is not a name: letters, digits, and . _ - between them`);
  }
}

export function checkTime(field: Field): void {
  const text = field.string(100);
  const time = TIME.test(text) ? new Date(text) : undefined;
  // The round trip refuses days that do not exist, which Date moves to the next month.
  if (!time || Number.isNaN(time.getTime()) || time.toISOString().slice(0, 19) !== text.slice(0, 19)) {
    field.fail('must be a time in UTC with whole seconds, such as 2026-11-20T12:00:00Z');
  }
}

export function checkPolicy(field: Field): void {
  field.onlyKeys(['name', 'version', 'digest'], true);
  checkText(field.get('name'));
  field.get('version').size();
  checkDigest(field.get('digest'));
}

export function checkEvidence(field: Field): void {
  field.onlyKeys(['type', 'digest'], true);
  checkText(field.get('type'));
  checkDigest(field.get('digest'));
}

export function checkDescriptor(field: Field): void {
  field.onlyKeys(['mediaType', 'digest', 'size'], true);
  checkDescribed(field);
}

function checkDescribed(field: Field): void {
  checkText(field.get('mediaType'));
  checkDigest(field.get('digest'));
  field.get('size').size();
}

export function checkLink(field: Field): void {
  field.onlyKeys(['claim', 'team', 'step'], true);
  checkDigest(field.get('claim'));
  checkName(field.get('team'));
  checkName(field.get('step'));
}

export function checkChildren(field: Field): void {
  let last = '';
  for (const child of field.array(LIMITS.claimEntries)) {
    child.onlyKeys(['platform', 'manifest', 'claim'], true);
    if (child.get('platform').present) checkPlatform(child.get('platform'));
    checkDigest(child.get('manifest'));
    if (child.get('claim').value !== null) checkDigest(child.get('claim'));
    const digest = child.get('manifest').string();
    if (digest <= last) field.fail('must be sorted by manifest digest, each once');
    last = digest;
  }
}

/** What content claims and approvals share. */
export function checkPlaced(field: Field): void {
  field.get('seq').size();
  checkPlatform(field.get('platform'));
  const subject = field.get('subject').onlyKeys(['manifest', 'config'], true);
  checkDescriptor(subject.get('manifest'));
  checkDescriptor(subject.get('config'));
  const span = field.get('span').onlyKeys(['from', 'to'], true);
  if (span.get('to').size() < span.get('from').size()) span.fail('ends before it begins');
  if (span.get('to').size() > LIMITS.layers)
    fail('limit-exceeded', `${span.path} ends at layer ${span.get('to').size()}`);
  for (const layer of field.get('layers').array(LIMITS.layers)) {
    layer.onlyKeys(['i', 'mediaType', 'digest', 'diffID', 'size'], true);
    layer.get('i').size();
    checkDescribed(layer);
    checkDigest(layer.get('diffID'));
  }
  const chain = field.get('chain').onlyKeys(['before', 'after'], true);
  for (const point of [chain.get('before'), chain.get('after')]) {
    if (point.value !== 'empty') checkDigest(point);
  }
  if (field.get('prev').present) checkLink(field.get('prev'));
  each(field.get('saw'), checkDigest);
  if (field.get('checked').present) checkChecked(field.get('checked'));
}

/** What only content claims have. */
export function checkContent(field: Field): void {
  const base = field.get('base');
  if (base.present) {
    base.onlyKeys(['manifest', 'config', 'index', 'layers'], true);
    checkDigest(base.get('manifest'));
    checkDigest(base.get('config'));
    if (base.get('index').present) checkDigest(base.get('index'));
    base.get('layers').size();
  }
  checkSeals(field.get('seals'));
  each(field.get('next'), checkName);
  each(field.get('inputs'), checkInput);
}

/** Patterns are read by whoever holds others to them, so one that is none is refused here, where its maker hears of it. */
function checkSeals(field: Field): void {
  let patterns = 0;
  each(field, seal => {
    seal.onlyKeys(['paths', 'ops'], true);
    each(seal.get('paths'), path => {
      const problem = pathPatternProblem(path.string(4096));
      if (problem !== undefined) path.fail(problem);
      patterns++;
    });
    each(seal.get('ops'), op => void oneOf(op, SEALED_OPERATIONS, seal.code));
  });
  if (patterns > LIMITS.sealPatterns)
    fail('limit-exceeded', `${field.path} has ${patterns} patterns; at most ${LIMITS.sealPatterns} are read`);
}

function checkInput(field: Field): void {
  field.onlyKeys(['purpose', 'manifest', 'claim', 'ref', 'verifiedBy'], true);
  checkText(field.get('purpose'));
  checkDigest(field.get('manifest'));
  if (field.get('claim').present) checkDigest(field.get('claim'));
  if (field.get('ref').present) field.get('ref').string(500);
  each(field.get('verifiedBy'), entry => void entry.string(500));
}

function checkChecked(field: Field): void {
  field.onlyKeys(['verdict', 'level', 'at', 'tool'], true);
  oneOf(field.get('verdict'), VERDICTS, field.code);
  if (field.get('level').present) oneOf(field.get('level'), EVIDENCE_LEVELS, field.code);
  checkTime(field.get('at'));
  checkText(field.get('tool'));
}

function checkPlatform(field: Field): void {
  field.onlyKeys(['os', 'architecture', 'variant'], true);
  checkText(field.get('os'), 64);
  checkText(field.get('architecture'), 64);
  if (field.get('variant').present) checkText(field.get('variant'), 64);
}

function checkText(field: Field, maxLength = 255): void {
  if (field.string(maxLength) === '') field.fail('is empty');
}
