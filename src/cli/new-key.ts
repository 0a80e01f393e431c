import { TouchmarkError } from '../base/errors.js';
import { shellQuote } from '../base/shell-quote.js';
import { type KeyKind, keyPairFiles, type NewKeyPair, requireNoKeyPair } from '../crypto/index.js';
import { formatTable, printable } from './text.js';

/** What `key generate` and `key import` say. */
export interface WrittenKey {
  readonly keyid: string;
  readonly kind: KeyKind;
  readonly privateKey: string;
  readonly publicKey: string;
  readonly encrypted: boolean;
}

export function toWrittenKey(
  { privateFile, publicFile, publicKey }: NewKeyPair,
  encrypted: boolean,
): WrittenKey {
  const { keyid, kind } = publicKey;
  return { keyid, kind, privateKey: privateFile, publicKey: publicFile, encrypted };
}

export function formatWrittenKey(key: WrittenKey): string {
  const table = formatTable([
    ['private key', `${printable(key.privateKey)}${key.encrypted ? '' : ' (not encrypted)'}`],
    ['public key', printable(key.publicKey)],
    ['kind', key.kind],
    ['keyid', key.keyid],
  ]);
  return `${table}\nnext  touchmark sign IMAGE --key ${shellQuote(key.privateKey)}`;
}

/**
 * Whether an existing pair may be overwritten: with `--yes`, or after somebody said so at a terminal.
 * @throws TouchmarkError `usage-file-exists`, `usage-declined`
 */
export async function mayOverwrite(
  name: string,
  yes: boolean,
  ask: ((question: string) => Promise<void>) | undefined,
): Promise<boolean> {
  if (yes) return true;
  try {
    await requireNoKeyPair(name);
    return false;
  } catch (error) {
    const exists = error instanceof TouchmarkError && error.code === 'usage-file-exists';
    if (!exists || ask === undefined) throw error;
    const { privateFile, publicFile } = keyPairFiles(name);
    await ask(`Overwrite ${privateFile} and ${publicFile}? The old private key is lost for good.`);
    return true;
  }
}

/** Said with every private key that is written in plain. */
export function plaintextWarning(file: string): string {
  return (
    `${file} is not encrypted: whoever can read it can sign. cosign does not load it either; ` +
    'for a key without a secret that cosign loads, set TOUCHMARK_PASSWORD to the empty text instead'
  );
}
