import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { utf8 } from '../base/bytes.js';
import { fail, TouchmarkError, withDetails } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { shellQuote } from '../base/shell-quote.js';
import { identifyKeyFile } from '../crypto/key-file-format.js';
import { type KeyEnvironment, parseKeyReference, readKey, readKeyPath } from '../crypto/key-reference.js';
import type { PublicKey } from '../crypto/keys.js';
import { parsePublicKey } from '../crypto/public-key.js';
import type { CustodyPolicy } from '../custody/policy.js';
import { compilePolicy, type KeysOf, type ParsedPolicy, parsePolicy } from './compile.js';
import type { DocumentFormat } from './document-source.js';
import { compilePredicates } from './predicates.js';
import { formatPath } from './problem.js';
import { KEY_LISTS, type KeyList, type PolicyDocument } from './schema.js';

/** Loads the public key of one entry of `keys`. `where` is its place in the document, for messages about inline keys. */
export type PolicyKeyReader = (entry: string, where: string) => Promise<PublicKey>;

export interface LoadPolicyOptions {
  /** Default {@link policyKeyReader} for the folder of the file. */
  readonly readKey?: PolicyKeyReader;
}

export interface LoadedPolicy extends ParsedPolicy {
  readonly policy: CustodyPolicy;
}

/**
 * Loads a policy file with its keys: YAML, or JSON when its name ends in `.json`. Whether it has expired is not asked
 * here: the check says that.
 *
 * @throws TouchmarkError `policy-invalid`, `usage-file`, and `key-*` with the place of the key in the document
 */
export async function loadPolicy(file: string, options: LoadPolicyOptions = {}): Promise<LoadedPolicy> {
  const format: DocumentFormat = /\.json$/i.test(file) ? 'json' : 'yaml';
  const parsed = parsePolicy(await readPolicyFile(file), file, format);
  return loadKeys(parsed, options.readKey ?? policyKeyReader(dirname(file)));
}

/**
 * Loads the keys of a parsed policy, one after another, each once.
 * @throws TouchmarkError `policy-invalid`, `key-*`
 */
export async function loadKeys(parsed: ParsedPolicy, readKey: PolicyKeyReader): Promise<LoadedPolicy> {
  const byEntry = new Map<string, PublicKey>();
  const bySigner = new Map<string, PublicKey[]>();
  for (const [team, { signers }] of Object.entries(parsed.document.teams)) {
    for (const [signer, list, keys] of keyListsOf(signers)) {
      const loaded: PublicKey[] = [];
      for (const [index, entry] of keys.entries()) {
        const path = ['teams', team, 'signers', signer, list, index];
        const where = formatPath(path);
        try {
          const key = byEntry.get(entry) ?? (await readKey(entry, where));
          byEntry.set(entry, key);
          loaded.push(key);
        } catch (error) {
          if (!(error instanceof TouchmarkError)) throw error;
          const line = parsed.source.locate(path, 'value')?.line;
          throw withDetails(error, {
            policy: parsed.source.where,
            path: where,
            ...(line !== undefined && { line }),
          });
        }
      }
      bySigner.set(`${team}/${signer}/${list}`, loaded);
    }
  }
  // Names hold no slash, so the triple has one spelling.
  const keysOf: KeysOf = (team, signer, list) => bySigner.get(`${team}/${signer}/${list}`);
  return { ...parsed, policy: compilePolicy(parsed, keysOf, await compilePredicates(parsed)) };
}

function keyListsOf(
  signers: PolicyDocument['teams'][string]['signers'],
): readonly (readonly [signer: string, list: KeyList, keys: readonly string[]])[] {
  return Object.entries(signers).flatMap(([signer, lists]) =>
    KEY_LISTS.flatMap(list => (lists[list] ? [[signer, list, lists[list]] as const] : [])),
  );
}

/**
 * Reads keys as a policy document names them: PEM text, `env://VARIABLE`, or a path relative to `folder`.
 */
export function policyKeyReader(folder: string, env: KeyEnvironment = process.env): PolicyKeyReader {
  return async (entry, where) => {
    if (entry.includes('-----BEGIN ')) return parseInlineKey(utf8(entry), where);
    const location = parseKeyReference(entry);
    const source =
      location.type === 'environment'
        ? await readKey(entry, env)
        : await readKeyPath(resolve(folder, location.path));
    return parsePublicKey(source.bytes, source.where);
  };
}

/** The key of a PEM text that stands in the document. @throws TouchmarkError `key-…`, `key-not-public` for a private one */
export function parseInlineKey(pem: Uint8Array, where: string): PublicKey {
  if (identifyKeyFile(pem, where).isPrivate) {
    fail('key-not-public', `${where} holds a private key; a public key is needed here`, {
      details: { key: where },
      hint: 'everybody who reads the policy has that key now: replace it, and write the public key here',
    });
  }
  return parsePublicKey(pem, where);
}

async function readPolicyFile(file: string): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r');
    try {
      const chunks: Uint8Array[] = [];
      let size = 0;
      // One byte more than is read, so that the parser sees that there is too much, also from a pipe.
      for await (const chunk of handle.createReadStream({ autoClose: false, end: LIMITS.policySize })) {
        size += (chunk as Uint8Array).length;
        chunks.push(chunk as Uint8Array);
        if (size > LIMITS.policySize) break;
      }
      return Buffer.concat(chunks);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    const problem = missing
      ? 'does not exist'
      : code === 'EISDIR'
        ? 'is a folder'
        : `cannot be read (${code ?? 'error'})`;
    return fail('usage-file', `the policy file ${problem}`, {
      details: { file },
      hint: `ls -ld ${shellQuote(file)} shows what is there`,
      cause: error,
    });
  }
}
