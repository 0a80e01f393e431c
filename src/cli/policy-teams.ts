import { basename, extname, isAbsolute, relative, resolve, sep } from 'node:path';
import { fail, withDetails } from '../base/errors.js';
import { loadPublicKey, parseKeyReference } from '../crypto/key-reference.js';
import type { TemplateTeam } from '../policy/index.js';
import { nameProblem } from '../policy/schema.js';

/** One `--team`: `NAME=KEY,KEY`, a signer for each key, or `NAME:SIGNER=KEY,KEY`, one signer with these keys. */
interface TeamWord {
  readonly text: string;
  readonly team: string;
  readonly signer: string | undefined;
  readonly keys: readonly string[];
}

const NAMED = '--team NAME:SIGNER=KEY';

/**
 * The teams of `--team`, in the order in which they are first named. Every key is loaded, to see that it is a public one;
 * paths are given as seen from `folder`, where the policy will lie.
 * @throws TouchmarkError `usage-argument`, `key-*`
 */
export async function gatherTeams(
  words: readonly string[],
  folder: string,
): Promise<readonly TemplateTeam[]> {
  const teams = new Map<string, Map<string, string[]>>();
  /** Who has been called what; a name means one person in all teams. */
  const called = new Map<string, { readonly keyid: string; readonly word: TeamWord }>();
  for (const word of words.map(readTeam)) {
    const signers = teams.get(word.team) ?? new Map<string, string[]>();
    teams.set(word.team, signers);
    for (const reference of word.keys) {
      const { keyid } = await loadPublicKey(reference).catch(error => {
        throw withDetails(error, { flag: `--team ${word.text}` });
      });
      const name = word.signer ?? nameAfterKey(reference, word);
      const other = called.get(name);
      if (other && other.keyid !== keyid && (word.signer === undefined || other.word.signer === undefined))
        fail('usage-argument', `two keys would make two signers of the name ${JSON.stringify(name)}`, {
          details: { flag: `--team ${other.word.text}`, other: `--team ${word.text}` },
          hint: `a name is one person in all teams: name the signers with ${NAMED}`,
        });
      called.set(name, other ?? { keyid, word });
      signers.set(name, [...(signers.get(name) ?? []), entryFor(reference, folder)]);
    }
  }
  return [...teams].map(([name, signers]) => ({
    name,
    signers: [...signers].map(([signer, keys]) => ({ name: signer, keys })),
  }));
}

function readTeam(text: string): TeamWord {
  // It may be a private key: not a word of it is repeated.
  if (text.includes('-----BEGIN'))
    fail('usage-argument', '--team takes the path of a key file, or env://VARIABLE, not the key itself', {
      hint: 'for example --team base=ada.pub,ben.pub',
    });
  const [head = '', rest] = splitPair(text);
  const [team = '', signer] = splitPair(head, ':');
  const keys = (rest ?? '')
    .split(',')
    .map(key => key.trim())
    .filter(key => key !== '');
  if (keys.length === 0)
    fail('usage-argument', `--team takes NAME=KEY[,KEY…] or NAME:SIGNER=KEY, not ${JSON.stringify(text)}`, {
      hint: `for example --team ${nameProblem(team) === undefined ? team : 'base'}=ada.pub,ben.pub`,
    });
  for (const name of signer === undefined ? [team] : [team, signer]) {
    const problem = nameProblem(name);
    if (problem !== undefined)
      fail('usage-argument', `--team ${text}: ${JSON.stringify(name)} ${problem}`, {
        hint: 'the name stands in front, the path of the key behind: --team base=keys/ada.pub',
      });
  }
  return { text, team, signer, keys };
}

/** `NAME=VALUE` at the first separator; without one there is no value. */
export function splitPair(text: string, separator = '='): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** A signer that nobody named is called as the key's file, without its ending, or as the variable. */
function nameAfterKey(reference: string, { text, team }: TeamWord): string {
  const location = parseKeyReference(reference);
  const name =
    location.type === 'environment' ? location.variable : basename(location.path, extname(location.path));
  if (nameProblem(name) !== undefined)
    fail('usage-argument', `--team ${text}: ${JSON.stringify(name)} cannot be the name of a signer`, {
      hint: `name the signer: --team ${team}:SIGNER=${reference}`,
    });
  return name;
}

/** The key as the policy names it: a path is relative to the policy's own folder. */
function entryFor(reference: string, folder: string): string {
  const location = parseKeyReference(reference);
  if (location.type === 'environment') return reference;
  const path = relative(folder, resolve(location.path)).split(sep).join('/');
  // A file may be called as if it were a reference of another kind.
  return /^[A-Za-z0-9.][^:]*$/.test(path) || isAbsolute(path) ? path : `./${path}`;
}
