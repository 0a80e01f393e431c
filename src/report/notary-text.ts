import type { NotaryDescription, RoleDescription } from '../tuf/notary/index.js';
import { countOf } from './custody-words.js';
import { type Line, line } from './lines.js';

/** Tags, digests, sizes and signers, as `docker trust inspect` showed them; then who holds which keys, and until when. */
export function presentNotary({ tags, roles }: NotaryDescription): readonly Line[] {
  const width = Math.max(3, ...tags.map(({ tag }) => tag.length));
  return [
    line({
      text: `${'tag'.padEnd(width)}  ${'digest'.padEnd(71)}  ${'size'.padStart(7)}  signers`,
      style: 'dim',
    }),
    ...tags.map(({ tag, digest, size, released, signers }) => {
      const by = signers.length > 0 ? signers.join(', ') : released === 'targets' ? '(repository admin)' : '';
      const note = released === null ? `${by} (not released)` : by;
      return line(
        `${tag.padEnd(width)}  ${(digest ?? 'no SHA-256').padEnd(71)}  ${String(size).padStart(7)}  ${note}`,
      );
    }),
    ...(tags.length === 0 ? [line('no tags')] : []),
    line(),
    line({ text: 'roles', style: 'dim' }),
    ...roles.flatMap(presentRole),
  ];
}

function presentRole({
  name,
  version,
  expires,
  threshold,
  keys,
  signedBy,
  prefixes,
}: RoleDescription): readonly Line[] {
  const facts =
    version === null
      ? 'nothing published'
      : `version ${version}, expires ${expires?.slice(0, 10)}, ${threshold} of ${countOf(keys.length, 'key')} must sign`;
  const scope =
    prefixes === null || prefixes.includes('')
      ? ''
      : `, tags ${prefixes.map(p => `${p}*`).join(' ') || 'none'}`;
  return [
    line({ text: `  ${name}`, style: 'bold' }, `  ${facts}${scope}`),
    ...keys.map(({ keyid, id, kind, certificate, problem }) =>
      line(
        `    ${id ?? keyid}  ${kind ?? ''}${certificate ? `, certificate of ${certificate.commonName}` : ''}`,
        { text: signedBy.includes(keyid) ? '  signed' : '', style: 'green' },
        { text: problem === null ? '' : `  ${problem}`, style: 'yellow' },
      ),
    ),
  ];
}
