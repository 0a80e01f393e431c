import { run, runOk } from './command.js';
import { PEERS, PYTHON_TUF_PROGRAM } from './peer-list.js';
import type { Scratch } from './scratch.js';

export const TUF_PEERS = ['python-tuf', 'go-tuf'] as const;
export type TufPeer = (typeof TUF_PEERS)[number];

/** What a client found under a path. */
export interface Answer {
  readonly path: string;
  readonly found: boolean;
  /** Of the file that it fetched and took. */
  readonly sha256?: string;
  readonly custom?: unknown;
}

/** The whole answer of a client: what it found, or why it takes nothing. */
export type Reading = { readonly answers: readonly Answer[] } | { readonly refused: string };

/** Where a repository is served, and the root that its clients begin with. */
export interface Place {
  readonly root: string;
  readonly metadata: string;
  readonly targets: string;
}

function commandOf(peer: TufPeer, args: readonly string[]): readonly [string, readonly string[]] {
  const { path } = PEERS[peer];
  return [path, peer === 'python-tuf' ? [PYTHON_TUF_PROGRAM, ...args] : args];
}

/** Reads a repository with a peer's client; `cache` is its folder, empty for a client that comes for the first time. */
export async function readWith(
  peer: TufPeer,
  scratch: Scratch,
  place: Place,
  cache: string,
  paths: readonly string[],
): Promise<Reading> {
  const args = ['read', place.root, place.metadata, place.targets, cache, ...paths];
  const { code, stdout, stderr } = await run(...commandOf(peer, args), { env: scratch.env });
  if (code !== 0) return { refused: stderr.trim().split('\n').at(-1) ?? '' };
  return { answers: stdout.trim().split('\n').filter(Boolean).map(parseAnswer) };
}

function parseAnswer(line: string): Answer {
  return JSON.parse(line) as Answer;
}

/** Has a peer write the repository of a recipe. @throws Error when it cannot */
export async function writeWith(
  peer: TufPeer,
  scratch: Scratch,
  recipe: string,
  folder: string,
): Promise<void> {
  await runOk(...commandOf(peer, ['write', recipe, folder]), { env: scratch.env });
}

/** Milliseconds that a peer takes to parse and verify targets metadata, without starting; the least of `rounds`. */
export async function measureWith(
  peer: TufPeer,
  root: string,
  targets: string,
  rounds: number,
): Promise<number> {
  const { stdout } = await runOk(...commandOf(peer, ['measure', root, targets, String(rounds)]), {
    timeout: 600_000,
  });
  return Number(stdout.trim());
}
