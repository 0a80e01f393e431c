import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type BundlePolicy,
  type BundleResult,
  parseSigstoreBundle,
  parseTrustedRoot,
  verifyBundle,
} from '../../../src/sigstore/index.js';
import { publicKeyOf } from './judge.js';

const read = (name: string) => readFileSync(new URL(`../../vectors/sigstore/${name}`, import.meta.url));
const bundle = (name: string) => parseSigstoreBundle(read(`${name}.sigstore.json`));
const root = (name: string) => parseTrustedRoot(read(`${name}.trusted-root.json`));

/** What the statement names, or what the signer said of the file. */
const artifactOf = (name: string): BundlePolicy['artifact'] => {
  const { content } = bundle(name);
  if (content.kind === 'message')
    return { digests: { sha256: Buffer.from(content.digest?.value ?? []).toString('hex') } };
  return { digests: JSON.parse(Buffer.from(content.payload).toString()).subject[0].digest };
};

const verify = (name: string, trust: string, policy: Pick<BundlePolicy, 'signer'> & Partial<BundlePolicy>) =>
  verifyBundle(bundle(name), root(trust), {
    artifact: artifactOf(name),
    predicateTypes: 'any',
    logs: 1,
    time: { kind: 'vouched', sources: 1 },
    ...policy,
  });

const identity = (subject: string, issuer: string): BundlePolicy['signer'] => ({
  kind: 'identity',
  anyOf: [{ subject: { exact: subject }, issuer: { exact: issuer } }],
});

const WORKFLOW = 'https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main';
const GITHUB = 'https://token.actions.githubusercontent.com';

function accepted(result: BundleResult) {
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result;
}

describe('bundles that real deployments made', () => {
  it('a person, with the promise of the public log alone', async () => {
    const signer = identity('brian@dehamer.com', 'https://github.com/login/oauth');
    const result = accepted(await verify('intoto-v0.1', 'public-good', { signer }));
    expect(result.signer).toMatchObject({ kind: 'identity', subjectKind: 'email', claims: {} });
    expect(result.times).toEqual([
      expect.objectContaining({ source: 'log', uri: 'https://rekor.sigstore.dev', time: 1668034836000 }),
    ]);
  });

  it('a workflow, with every extension of its certificate by name', async () => {
    const signer = identity(WORKFLOW, GITHUB);
    const result = accepted(await verify('provenance-v0.1', 'public-good', { signer }));
    expect(result.checks.map(({ name }) => name)).toEqual([
      'signer',
      'signature',
      'artifact',
      'logs',
      'time',
      'certificate',
      'certificate-logs',
      'identity',
    ]);
    expect(result.statement?.predicateType).toBe('https://slsa.dev/provenance/v1');
    expect(result.signer).toMatchObject({
      subject: WORKFLOW,
      subjectKind: 'uri',
      issuer: GITHUB,
      claims: {
        githubWorkflowTrigger: 'push',
        githubWorkflowSha: 'f0b49a04e5a62250e0f60fb128004a73110fe311',
        githubWorkflowName: 'Release',
        githubWorkflowRepository: 'sigstore/sigstore-js',
        githubWorkflowRef: 'refs/heads/main',
        buildSignerUri: WORKFLOW,
        runnerEnvironment: 'github-hosted',
        sourceRepositoryIdentifier: '495574555',
        sourceRepositoryOwnerUri: 'https://github.com/sigstore',
        buildTrigger: 'push',
        runInvocationUri: 'https://github.com/sigstore/sigstore-js/actions/runs/5904696764/attempts/1',
        sourceRepositoryVisibility: 'public',
      },
    });
  });

  it('a workflow in a log of tiles, which knows no time, with a timestamp', async () => {
    const beacon = 'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon';
    const subject = `${beacon}/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main`;
    const signer = identity(subject, GITHUB);
    const result = accepted(await verify('rekor-v2', 'staging', { signer }));
    expect(result.times).toEqual([
      expect.objectContaining({ source: 'timestamp-authority', time: Date.UTC(2025, 6, 25, 19, 53, 4) }),
    ]);
    expect(result.logEntries).toEqual([expect.objectContaining({ ok: true, logIndex: '7131' })]);
  });

  it('a user name, over a file that is known by its digest alone', async () => {
    const signer = identity('foo!oidc.local', 'http://oidc.local:8080');
    const result = accepted(await verify('username-v0.3', 'username', { signer }));
    expect(result.signer).toMatchObject({ subjectKind: 'username' });
    const digests = { sha256: '00'.repeat(32) };
    const other = await verify('username-v0.3', 'username', { signer, artifact: { digests } });
    expect(other).toMatchObject({ ok: false, code: 'sig-no-match' });
  });

  it('a key whose statement is in the public log', async () => {
    const signer = { kind: 'key', key: publicKeyOf(read('publish.pem')) } as const;
    const result = accepted(await verify('publish-v0.1', 'public-good', { signer }));
    expect(result.signer).toEqual({ kind: 'key', keyid: signer.key.keyid });
  });

  it('a key with a timestamp, within the interval of the key and not outside it', async () => {
    const key = publicKeyOf(read('key.pem'));
    const policy = (validFor?: { start: number; end: number }) => ({
      signer: { kind: 'key' as const, key, ...(validFor && { validFor }) },
      logs: 0,
    });
    const result = accepted(await verify('key-v0.3', 'key', policy()));
    expect(result.times).toEqual([
      expect.objectContaining({ source: 'timestamp-authority', time: Date.UTC(2026, 5, 4, 17, 43, 29) }),
    ]);
    const time = result.times[0]?.time ?? 0;
    expect((await verify('key-v0.3', 'key', policy({ start: time, end: time }))).ok).toBe(true);
    expect(await verify('key-v0.3', 'key', policy({ start: 0, end: time - 1 }))).toMatchObject({
      ok: false,
      code: 'certificate-expired',
    });
  });

  it('an envelope with a second signature is refused', () => {
    expect(() => bundle('two-signatures')).toThrow(expect.objectContaining({ code: 'format-bundle' }));
  });

  it('no bundle verifies under the root of another deployment', async () => {
    const signer = identity(WORKFLOW, GITHUB);
    expect(await verify('provenance-v0.1', 'username', { signer })).toMatchObject({
      code: 'log-threshold-not-met',
      logEntries: [{ ok: false, code: 'log-unknown' }],
    });
    expect(await verify('provenance-v0.1', 'username', { signer, logs: 0 })).toMatchObject({
      code: 'time-threshold-not-met',
    });
    const time = { kind: 'unsafe-now', now: 1692374735000 } as const;
    expect(await verify('provenance-v0.1', 'username', { signer, logs: 0, time })).toMatchObject({
      code: 'certificate-untrusted',
    });
  });
});
