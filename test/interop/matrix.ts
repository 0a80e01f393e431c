import type { Carrier } from '../peers/cosign.js';

/** The dimensions of the interop table. */
export const KINDS = [
  'ecdsa-p256',
  'ecdsa-p384',
  'ecdsa-p521',
  'ed25519',
  'rsa-2048',
  'rsa-3072',
  'rsa-4096',
] as const;
export const CARRIERS: readonly Carrier[] = ['simplesigning', 'bundle'];
export const TOOLS = ['touchmark', 'cosign 2', 'cosign 3'] as const;
export const PLACES = ['fallback', 'referrers', 'layout'] as const;

export type Kind = (typeof KINDS)[number];
export type Tool = (typeof TOOLS)[number];
/**
 * `fallback`: docker-registry 2.8, which has no referrers API. `referrers`: a registry that has it. `layout`: on disk, where
 * touchmark signs in place, and cosign signs in docker-registry and saves.
 */
export type Place = (typeof PLACES)[number];

/** One signature: who made it, with what, where. */
export interface Row {
  readonly kind: Kind;
  readonly carrier: Carrier;
  readonly signer: Tool;
}

export const ROWS: readonly Row[] = KINDS.flatMap(kind =>
  CARRIERS.flatMap(carrier => TOOLS.map(signer => ({ kind, carrier, signer }))),
);

/** Why a cell of the table says no, and how that shows. */
export interface Reason {
  readonly id: string;
  /** One sentence for the table's notes. */
  readonly text: string;
  /** In what the peer prints when it refuses: proof that it refuses for this reason. */
  readonly shows: RegExp;
  /** The step that fails. */
  readonly step: 'sign' | 'save' | 'verify';
  readonly applies: (row: Row, place: Place, verifier: Tool) => boolean;
}

const isCosign = (tool: Tool): boolean => tool !== 'touchmark';

/** Every cell is "verifies" unless a reason applies; the first that does. */
export const REASONS: readonly Reason[] = [
  {
    id: 'a',
    text: 'cosign 3 signs the bundle with Ed25519ph, checks its own work as pure Ed25519, and refuses to store it',
    shows: /accepted signatures do not match threshold/,
    step: 'sign',
    applies: ({ kind, carrier, signer }) =>
      kind === 'ed25519' && carrier === 'bundle' && signer === 'cosign 3',
  },
  {
    id: 'b',
    text: '`cosign save` of cosign 2 leaves bundles out of the layout',
    shows: /sig-none|no signatures associated|panic: runtime error/,
    step: 'save',
    applies: ({ carrier, signer }, place) =>
      place === 'layout' && carrier === 'bundle' && signer === 'cosign 2',
  },
  {
    id: 'c',
    text: '`cosign verify --local-image` of cosign 2 crashes on bundles',
    shows: /panic: runtime error/,
    step: 'verify',
    applies: ({ carrier }, place, verifier) =>
      place === 'layout' && carrier === 'bundle' && verifier === 'cosign 2',
  },
  {
    id: 'd',
    text:
      '`cosign sign` takes SHA-384 with P-384 and SHA-512 with P-521, `cosign verify --key` expects SHA-256: ' +
      'it verifies with `--signature-digest-algorithm sha384` (`sha512`)',
    shows: /invalid signature when validating ASN.1|accepted signatures do not match threshold/,
    step: 'verify',
    applies: ({ kind, signer }, _, verifier) =>
      (kind === 'ecdsa-p384' || kind === 'ecdsa-p521') && isCosign(signer) && isCosign(verifier),
  },
  {
    id: 'e',
    text: '`cosign sign` makes Ed25519ph signatures, `cosign verify --key` expects pure Ed25519: no flag of either helps',
    shows: /failed to verify signature|accepted signatures do not match threshold/,
    step: 'verify',
    applies: ({ kind, signer }, _, verifier) => kind === 'ed25519' && isCosign(signer) && isCosign(verifier),
  },
];

/** What the cell is expected to be: undefined when it verifies. */
export function expectedReason(row: Row, place: Place, verifier: Tool): Reason | undefined {
  return REASONS.find(reason => reason.applies(row, place, verifier));
}
