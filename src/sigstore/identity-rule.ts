import { fail } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { type Problem, problem } from './certificate-chain.js';
import type { CertificateClaim, CertificateIdentity } from './certificate-identity.js';

/** A signer that is accepted. Everything said here must hold; a rule without a subject or an issuer cannot be written. */
export interface IdentityRule {
  readonly subject: TextRule;
  readonly issuer: TextRule;
  /** Exact values of what else the authority wrote, such as `githubWorkflowRef`. */
  readonly claims?: Readonly<Partial<Record<CertificateClaim, string>>>;
}

export type TextRule = { readonly exact: string } | { readonly pattern: TextPattern };

/** A regular expression that was compiled by {@link compilePattern}. */
export interface TextPattern {
  readonly source: string;
  /** Does the whole text match? */
  matches(text: string): boolean;
}

/**
 * Compiles a regular expression in RE2 syntax, as cosign and policy-controller read them. It must match the whole text, so that
 * `github.com/us/` does not mean `evil.example/github.com/us/`; and it is matched in time linear to the text.
 * @throws TouchmarkError `usage-argument`
 */
export async function compilePattern(source: string): Promise<TextPattern> {
  if (source.length > LIMITS.identityPatternLength)
    fail('usage-argument', `the pattern has more than ${LIMITS.identityPatternLength} characters`);
  // Loaded only here: it costs 20 ms that exact identities need not pay.
  const { RE2JS } = await import('re2js');
  try {
    const compiled = RE2JS.compile(source);
    return { source, matches: text => compiled.matches(text) };
  } catch (cause) {
    return fail('usage-argument', `${JSON.stringify(source)} is not a regular expression`, {
      hint: 'patterns are in RE2 syntax: no look-around, no back-references; an exact name needs no pattern',
      cause,
    });
  }
}

/** Is the signer one of those that are accepted? The problem says what the nearest rule missed. */
export function checkIdentity(
  identity: CertificateIdentity,
  rules: readonly IdentityRule[],
): Problem | undefined {
  const misses = rules.map(rule => missOf(identity, rule));
  if (misses.some(miss => miss === undefined)) return undefined;
  return problem(
    'signer-identity-mismatch',
    `the signer ${JSON.stringify(identity.subject)}, known by ${JSON.stringify(identity.issuer ?? 'no issuer')}, is none of those accepted` +
      (rules.length === 1 ? `: ${misses[0]}` : ''),
  );
}

function missOf(identity: CertificateIdentity, rule: IdentityRule): string | undefined {
  if (!holds(rule.subject, identity.subject)) return 'the subject is another';
  if (identity.issuer === undefined || !holds(rule.issuer, identity.issuer)) return 'the issuer is another';
  for (const [name, value] of Object.entries(rule.claims ?? {})) {
    if (identity.claims[name as CertificateClaim] !== value) return `${name} is not ${JSON.stringify(value)}`;
  }
  return undefined;
}

function holds(rule: TextRule, text: string): boolean {
  return 'exact' in rule ? rule.exact === text : rule.pattern.matches(text);
}
