import { describe, expect, it } from 'vitest';
import { STRICT_MODES } from '../../../src/base/path-rules.js';
import { lintPolicy } from '../../../src/policy/index.js';
import { edit, load, parse, refusalOf, SHOP } from './support.js';

/** SHOP with more behind it, and with this line about evidence. */
const shop = (more: string, evidence = '') => `${edit('evidence: blobs\n', evidence)}${more}\n`;
const APP = 'paths: { app: { allow: ["/opt/app/**"] } }';

describe('rules over paths in a document', () => {
  it('are strict where they are silent, and ask for level content', async () => {
    const { policy } = await load(shop(APP));
    expect(policy.evidence).toBe('content');
    expect({ ...policy.paths }).toEqual({
      app: { allow: ['/opt/app/**'], deny: [], delete: [], modes: { ...STRICT_MODES }, tables: 'deny' },
    });
    expect(policy.paths?.['constructor'], 'no rules by inheritance').toBeUndefined();
    expect(policy.seals).toEqual({ honour: true, override: [] });
  });

  it('say what they loosen', async () => {
    const { policy } = await load(
      shop(`paths:
  app:
    allow: ["/usr/**", "@dpkg"]
    deny: ["/usr/bin/su"]
    delete: ["/usr/share/doc/**"]
    modes: { setuid: allow, uid: [0, 0] }
    tables: allow
seals: { override: [{ of: base, by: app, paths: ["/etc/motd"] }, { of: upstream, by: base }] }`),
    );
    expect(policy.paths?.['app']).toEqual({
      allow: ['/usr/**', '/var/lib/dpkg', '/var/lib/dpkg/**'],
      deny: ['/usr/bin/su'],
      delete: ['/usr/share/doc/**'],
      modes: { ...STRICT_MODES, setuid: 'allow', uid: [0, 0] },
      tables: 'allow',
    });
    expect(policy.seals?.override).toEqual([
      { of: 'base', by: 'app', paths: ['/etc/motd'] },
      { of: 'upstream', by: 'base', paths: undefined },
    ]);
  });

  it.each([
    ['nothing', '', 'blobs'],
    ['no step', 'paths: {}', 'blobs'],
    ['seals', 'seals: { honour: true }', 'content'],
    ['no seals', 'seals: { honour: false }', 'blobs'],
  ])('with %s, a silent document asks for the level', async (_, more, level) => {
    expect((await load(shop(more))).policy.evidence).toBe(level);
  });

  it.each(['marks', 'manifest', 'blobs'])('are refused together with level %s', level => {
    const refusal = refusalOf(() => parse(shop(APP, `evidence: ${level}\n`)));
    expect(refusal?.code).toBe('policy-invalid');
    expect(refusal?.message).toContain(`evidence: with "${level}" nobody looks into layers`);
    expect(refusalOf(() => parse(shop(APP, 'evidence: content\n')))).toBeUndefined();
    // Seals ask for their level by themselves.
    expect(refusalOf(() => parse(shop('seals: { honour: true }', `evidence: ${level}\n`)))).toBeUndefined();
  });

  it.each([
    ['{ ap: { allow: [] } }', 'there is no step "ap"; did you mean "app"?'],
    ['{ upstream: { allow: [] } }', 'is about a step that adds no layers'],
    ['{ app: {} }', 'paths.app.allow is missing'],
    ['{ app: { allow: ["opt/app"] } }', '"opt/app" does not begin with a slash'],
    ['{ app: { allow: ["/opt/app/"] } }', 'a slash at its end'],
    ['{ app: { allow: ["/opt//app"] } }', 'has an empty part between slashes'],
    ['{ app: { allow: ["/opt/../etc"] } }', 'has . or .. as a part'],
    ['{ app: { allow: [], deny: ["/a**"] } }', 'has ** inside a segment'],
    [
      '{ app: { allow: [], delete: ["@dpgk"] } }',
      'there is no group of paths "@dpgk"; did you mean "@dpkg"?',
    ],
    ['{ app: { allow: [], delete: ["@pip"] } }', 'known are @dpkg, @apk, @rpm'],
    ['{ app: { allow: [], modes: { setuid: maybe } } }', 'must be "allow" or "deny"'],
    ['{ app: { allow: [], modes: { uid: [5, 1] } } }', 'asks for at least 5 and at most 1'],
    ['{ app: { allow: [], modes: { uid: [-1, 1] } } }', 'must not be negative'],
    ['{ app: { allow: [], alow: [] } }', 'did you mean'],
  ])('are refused as %s', (rules, message) => {
    const refusal = refusalOf(() => parse(shop(`paths: ${rules}`)));
    expect(refusal?.code).toBe('policy-invalid');
    expect(`${refusal?.message}; ${refusal?.hint}; ${refusal?.details['problems']}`).toContain(message);
    expect(refusal?.details['line']).toBeTypeOf('number');
    expect(refusalOf(() => parse(shop(APP)))).toBeUndefined();
  });

  it.each([
    ['{ override: [{ of: bas, by: app }] }', 'there is no step "bas"'],
    ['{ override: [{ of: base, by: ap }] }', 'there is no step "ap"'],
    ['{ override: [{ of: app, by: base }] }', 'comes behind "base"'],
    ['{ override: [{ of: base, by: app, paths: [etc] }] }', 'does not begin with a slash'],
    ['{ override: [{ of: base, by: app, paths: [] }] }', 'names no path'],
    ['{ honour: false, override: [{ of: base, by: app }] }', 'takes off altogether'],
  ])('refuse seals: %s', (seals, message) => {
    const refusal = refusalOf(() => parse(shop(`seals: ${seals}`)));
    expect(refusal?.code).toBe('policy-invalid');
    expect(refusal?.message).toContain(message);
    expect(refusalOf(() => parse(shop('seals: { override: [{ of: base, by: app }] }')))).toBeUndefined();
  });

  it('are unwise when they hold back nothing', async () => {
    const codes = async (more: string) =>
      lintPolicy(await load(shop(more)))
        .map(({ code, path }) => `${code} ${path}`)
        .filter(text => /^(?:paths|seals)/.test(text));
    expect(await codes(APP)).toEqual(['paths-free paths']);
    const both = 'paths: { base: { allow: ["/usr/**"] }, app: { allow: ["/opt/**"] } }';
    expect(await codes(both)).toEqual([]);
    expect(await codes(both.replace('/opt/**', '/**'))).toEqual(['paths-everything paths.app.allow']);
    expect(await codes('seals: { honour: false }')).toEqual(['seals-ignored seals.honour']);
    expect(SHOP).not.toContain('paths');
  });
});
