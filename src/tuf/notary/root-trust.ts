import type { X509Certificate } from 'node:crypto';
import { equalBytes } from '../../base/bytes.js';
import { fail, TouchmarkError } from '../../base/errors.js';
import { isForGun, isIssuedBy, type KeyCertificate } from './certificate.js';
import type { NotaryFiles } from './collect.js';
import { type NotaryKey, type OpenNotaryKey, openNotaryKey } from './keys.js';
import type { NotaryMetadata, NotaryRoot } from './metadata.js';
import { parseNotaryRoot } from './parse.js';
import { requireFresh, requireSigned } from './rules.js';

/** Why a root is believed. One of them must be chosen: there is no default. */
export type NotaryPin =
  /**
   * Hex, 64 digits: the keyid that root.json gives a root key, the keyid of the bare key, or the SHA-256 of its
   * certificate or SubjectPublicKeyInfo.
   */
  | { readonly kind: 'keys'; readonly ids: readonly string[] }
  /** A certificate of every root key that counts was issued by one of these. */
  | { readonly kind: 'authorities'; readonly certificates: readonly X509Certificate[] }
  /** A root that was trusted before; the new one must follow from it. */
  | { readonly kind: 'root'; readonly root: Uint8Array }
  /** Whatever comes first: safe only as far as the place it comes from. */
  | { readonly kind: 'first-use' };

export interface NotaryTrust {
  readonly pin: NotaryPin;
}

interface RootCheck extends NotaryTrust {
  readonly now: Date;
  readonly insecureIgnoreExpiry?: boolean;
}

type RootFile = NotaryMetadata<NotaryRoot>;

/**
 * The newest root, proven from the pin. It is either vouched for by the pin itself, or follows from a root that is: by a
 * signature of that root's keys, or link by link through the roots in between.
 * @throws TouchmarkError `tuf-format`, `tuf-root-threshold`, `tuf-root-version`, `tuf-rollback`, `tuf-expired`
 */
export function trustRoot(files: NotaryFiles, check: RootCheck): RootFile {
  const roots = files.roots.map(bytes => parseNotaryRoot(bytes, 'root.json'));
  const latest = roots.at(-1) ?? fail('tuf-unavailable', 'the metadata of root is not there');
  const { gun } = files;
  requireSigned(latest, 'root.json, by its own keys,', ...certified(latest, gun), 'tuf-root-threshold');
  const { pin, now } = check;
  if (pin.kind === 'root') requireSuccession(parseNotaryRoot(pin.root, 'the trusted root.json'), roots, gun);
  else if (pin.kind !== 'first-use') requireSuccession(anchorOf(roots, gun, pin, now), roots, gun);
  if (!check.insecureIgnoreExpiry) {
    requireFresh(latest, 'root.json', now);
    requireCertificatesInForce(latest, gun, now);
  }
  return latest;
}

/** The newest root that the pin itself vouches for. */
function anchorOf(
  roots: readonly RootFile[],
  gun: string,
  pin: Exclude<NotaryPin, { kind: 'root' | 'first-use' }>,
  now: Date,
): RootFile {
  const vouched = (open: OpenNotaryKey, keyid: string): boolean => {
    const { certificate, publicKey, canonicalKeyid } = open;
    if (certificate === undefined) return false;
    if (pin.kind === 'authorities') return isIssuedBy(certificate, pin.certificates, now);
    return [keyid, canonicalKeyid, certificate.fingerprint, publicKey.keyid].some(id => pin.ids.includes(id));
  };
  for (const root of [...roots].reverse()) {
    try {
      requireSigned(root, 'root.json', ...certified(root, gun, vouched), 'tuf-root-threshold');
      return root;
    } catch (error) {
      if (!(error instanceof TouchmarkError) || error.code !== 'tuf-root-threshold') throw error;
    }
  }
  const found = rootKeys(roots.at(-1) as RootFile, gun).map(([keyid]) => keyid);
  return fail(
    'tuf-root-threshold',
    'no root of this repository is signed by the keys that are trusted for it',
    {
      details: { found: found.slice(0, 20) },
      hint: 'compare with what the owner of the repository tells you; another key may mean that somebody took it over',
    },
  );
}

function requireSuccession(trusted: RootFile, roots: readonly RootFile[], gun: string): void {
  const latest = roots.at(-1) as RootFile;
  const [from, to] = [trusted.payload.version, latest.payload.version];
  if (to < from)
    fail('tuf-rollback', `root.json has version ${to}, and version ${from} is trusted already`, {
      details: { known: from, actual: to },
    });
  if (to === from) {
    if (equalBytes(latest.envelope.signedBytes, trusted.envelope.signedBytes)) return;
    fail('tuf-root-version', `there are two different roots of version ${to}`);
  }
  let current = trusted;
  const follow = (next: RootFile) => {
    const [version, before] = [next.payload.version, current.payload.version];
    if (version <= before) fail('tuf-root-version', `a root of version ${version} came after ${before}`);
    const what = `root.json of version ${version}, by the keys of version ${before},`;
    requireSigned(next, what, ...certified(current, gun), 'tuf-root-threshold');
    current = next;
  };
  // Most often nothing, or one key, has changed: the newest root is signed by the keys of the trusted one as well.
  try {
    follow(latest);
  } catch (error) {
    if (!(error instanceof TouchmarkError) || error.code !== 'tuf-root-threshold') throw error;
    for (const next of roots.filter(({ payload }) => payload.version > from)) follow(next);
  }
}

/** The root keys that have a certificate for this repository: no other key may sign a root. */
function rootKeys(
  { payload }: RootFile,
  gun: string,
): readonly (readonly [string, NotaryKey, OpenNotaryKey & { readonly certificate: KeyCertificate }])[] {
  return (payload.roles.get('root')?.keyids ?? []).flatMap(keyid => {
    const key = payload.keys.get(keyid);
    if (key === undefined) return [];
    try {
      const open = openNotaryKey(key);
      const { certificate } = open;
      return certificate && isForGun(certificate, gun)
        ? [[keyid, key, { ...open, certificate }] as const]
        : [];
    } catch (error) {
      if (!(error instanceof TouchmarkError)) throw error;
      return [];
    }
  });
}

function certified(
  root: RootFile,
  gun: string,
  counts: (open: OpenNotaryKey, keyid: string) => boolean = () => true,
) {
  const entries = rootKeys(root, gun).filter(([keyid, , open]) => counts(open, keyid));
  const threshold = root.payload.roles.get('root')?.threshold ?? fail('internal', 'a root without itself');
  const keys = new Map(entries.map(([keyid, key]) => [keyid, key]));
  return [keys, { keyids: [...keys.keys()], threshold }] as const;
}

/** As many root keys as are needed must have certificates that are in force. */
function requireCertificatesInForce(root: RootFile, gun: string, now: Date): void {
  const inForce = ({ certificate }: OpenNotaryKey) =>
    certificate !== undefined && certificate.notBefore <= now && now < certificate.notAfter;
  try {
    requireSigned(root, 'root.json', ...certified(root, gun, inForce), 'tuf-root-threshold');
  } catch (error) {
    if (!(error instanceof TouchmarkError) || error.code !== 'tuf-root-threshold') throw error;
    const ends = rootKeys(root, gun).map(([, , { certificate }]) => certificate.notAfter.toISOString());
    fail('tuf-expired', 'the certificates of the root keys are out of date', {
      details: { expires: ends.slice(0, 20), now: now.toISOString() },
      hint: 'the owner of the repository must rotate the root key',
    });
  }
}
