import type { ModeRules, PathRules, Seal } from '../base/path-rules.js';
import { type EntryPath, parentOf, showPath } from './entry-path.js';
import { ENTRY, type LayerEntry } from './layer-index.js';
import { matchPaths } from './match-paths.js';
import type { Operation } from './operation.js';
import { collectPathFindings, type PathCode, type PathFinding } from './path-finding.js';
import { xattrNames } from './xattrs.js';

/** The step that a layer belongs to, and what it is held to. */
export interface LayerRules {
  readonly step: string;
  /** Undefined: it may do what it likes, as far as no seal says otherwise. */
  readonly rules: PathRules | undefined;
  /** Of the steps below it. */
  readonly seals: readonly Seal[];
  /** The step of a layer below. */
  readonly stepOf: (layer: number) => string | undefined;
}

/** Takes what one layer does, one operation after the other; `end` says what it should not have done. */
export interface OperationJudge {
  take(operation: Operation): void;
  end(): readonly PathFinding[];
}

/** Judges a layer by the rules of its step, then by the seals of the steps below (CUSTODY.md 7.3). */
export function judgeOperations(layer: number, { step, rules, seals, stepOf }: LayerRules): OperationJudge {
  const findings = collectPathFindings(layer, step);
  const no = (code: PathCode, path: EntryPath, message: string): void =>
    findings.add(code, 'fail', path, message);
  const byRules = rules && createRuleJudge(rules, no);
  const sealed = seals.map(({ step, ops, paths, except }) => {
    const [isSealed, isExcepted] = [matchPaths(paths), matchPaths(except)];
    return { step, ops, matches: (path: EntryPath) => isSealed(path) && !isExcepted(path) };
  });

  function checkSeals(operation: Operation): void {
    const paths = [
      operation.path,
      operation.literal,
      ...(operation.kind === 'link' ? [operation.target] : []),
    ];
    for (const seal of sealed) {
      const hit = seal.ops.includes(operation.kind) ? paths.find(seal.matches) : undefined;
      if (hit !== undefined)
        no(
          'seal-violated',
          hit,
          `${WORDS[operation.kind]} ${showPath(hit)}, which step ${seal.step} has sealed`,
        );
    }
  }

  return {
    take(operation) {
      const { kind, path } = operation;
      if (kind === 'dangling') {
        const what = operation.how === 'opaque' ? 'what is in' : 'the path';
        findings.add(
          'whiteout-dangling',
          'warning',
          path,
          `hides ${what} ${showPath(path)}, where there is nothing`,
        );
      }
      if (kind === 'link') {
        const { target, targetOwners } = operation;
        const owner = stepOf(targetOwners.content);
        const severity = owner === step ? 'warning' : 'fail';
        const message = `makes ${showPath(path)} another name of ${showPath(target)}, a file of step ${owner ?? '?'}`;
        findings.add('hardlink-cross-layer', severity, path, message);
      }
      byRules?.take(operation);
      checkSeals(operation);
    },
    end() {
      byRules?.end();
      return findings.list();
    },
  };
}

const WORDS: Readonly<Record<Operation['kind'], string>> = {
  add: 'adds',
  modify: 'changes',
  metadata: 'changes mode, owner or attributes of',
  link: 'makes a hard link at',
  delete: 'deletes',
  noop: 'repeats',
  'implied-dir': 'makes',
  dangling: 'hides',
};

type Refuse = (code: PathCode, path: EntryPath, message: string) => void;

function createRuleJudge(rules: PathRules, no: Refuse): { take(operation: Operation): void; end(): void } {
  const [allow, deny, mayDelete] = [rules.allow, rules.deny, rules.delete].map(matchPaths) as [
    Match,
    Match,
    Match,
  ];
  const isAllowed = (path: EntryPath): boolean => allow(path) && !deny(path);
  /** New folders where nothing may be added: they may be on the way to what may. */
  const folders = new Map<EntryPath, Operation>();
  const onTheWay = new Set<EntryPath>();

  function checkWrite(operation: Operation): void {
    const { kind, path, literal } = operation;
    if (isAllowed(path) && isAllowed(literal)) {
      for (let at = path; at !== '' && !onTheWay.has(at); at = parentOf(at)) onTheWay.add(at);
      return;
    }
    const isFolder = kind === 'add' && operation.entry.kind === ENTRY.dir;
    if ((isFolder && !deny(path) && !deny(literal)) || isMountPoint(operation)) folders.set(path, operation);
    else no('path-denied', path, `${WORDS[kind]} ${showPath(literal)}${viaOf(operation)}, where it may not`);
  }

  return {
    take(operation) {
      const { kind, path, literal, through } = operation;
      if (kind === 'implied-dir') return;
      if (through !== undefined) {
        no(
          'path-symlink-traversal',
          path,
          `reaches ${showPath(path)} through the symbolic link ${showPath(through)}`,
        );
      }
      if (kind === 'noop') return;
      if (kind === 'delete' || kind === 'dangling') {
        const may = [path, literal].every(at => mayDelete(at) && !deny(at));
        if (!may && kind === 'delete')
          no('path-delete-denied', path, `deletes ${showPath(literal)}${HOW[operation.how]}`);
        return;
      }
      checkWrite(operation);
      checkModes(operation.entry, path, rules.modes, isAllowed, no);
      if (kind !== 'link') return;
      const { target, targetThrough } = operation;
      if (targetThrough !== undefined) {
        no(
          'path-symlink-traversal',
          target,
          `links to ${showPath(target)} through the symbolic link ${showPath(targetThrough)}`,
        );
      }
      if (!isAllowed(target) || !isAllowed(operation.entry.link)) {
        no(
          'path-link-denied',
          path,
          `makes ${showPath(path)} another name of ${showPath(target)}, where it may not`,
        );
      }
    },
    end() {
      for (const [path, operation] of folders) {
        if (onTheWay.has(path) || isMountPoint(operation)) continue;
        no('path-denied', path, `${WORDS[operation.kind]} ${showPath(operation.literal)}, where it may not`);
      }
    },
  };
}

type Match = ReturnType<typeof matchPaths>;

const HOW = {
  explicit: '',
  opaque: ' with all that is in its folder',
  replaced: ' by what takes the place of a folder above it',
} as const;

function viaOf({ path, literal }: Operation): string {
  return path === literal ? '' : `, which is ${showPath(path)},`;
}

/** What builders leave behind where they mounted something: nothing, and only where nothing was. */
const MOUNTED_FOLDERS: readonly EntryPath[] = ['proc', 'sys', 'dev', 'run'];
const MOUNTED_FILES: readonly EntryPath[] = ['etc/resolv.conf', 'etc/hosts', 'etc/hostname'];

function isMountPoint(operation: Operation): boolean {
  if (operation.kind !== 'add' || operation.path !== operation.literal) return false;
  const { kind, size, xattrs } = operation.entry;
  if (xattrs.length > 0) return false;
  return kind === ENTRY.dir
    ? MOUNTED_FOLDERS.includes(operation.path)
    : kind === ENTRY.file && size === 0 && MOUNTED_FILES.includes(operation.path);
}

function checkModes(
  { kind, mode, uid, gid, xattrs, link }: LayerEntry,
  path: EntryPath,
  modes: ModeRules,
  isAllowed: (path: EntryPath) => boolean,
  no: Refuse,
): void {
  const deny = (what: string): void => no('path-mode-denied', path, `makes ${showPath(path)} ${what}`);
  if (kind !== ENTRY.symlink) {
    if (mode & 0o4000 && modes.setuid === 'deny') deny('setuid');
    if (mode & 0o2000 && modes.setgid === 'deny') deny('setgid');
    if (mode & 0o0002 && modes.worldWritable === 'deny') deny('writable by everybody');
  }
  if (modes.capabilities === 'deny' && xattrNames(xattrs).includes('security.capability'))
    deny('a file with capabilities');
  if ((kind === ENTRY.char || kind === ENTRY.block) && modes.devices === 'deny') deny('a device');
  if (!isWithin(uid, modes.uid)) deny(`a file of user ${uid}`);
  if (!isWithin(gid, modes.gid)) deny(`a file of group ${gid}`);
  if (kind === ENTRY.symlink && modes.outwardLinks === 'deny' && !isAllowed(targetOf(path, link))) {
    deny(`a symbolic link to ${JSON.stringify(link.slice(0, 200))}, where it may not write`);
  }
}

function isWithin(id: number, range: readonly [number, number] | undefined): boolean {
  return range === undefined || (id >= range[0] && id <= range[1]);
}

/** Where a symbolic link points, by its text. */
function targetOf(path: EntryPath, link: string): EntryPath {
  const parts: string[] = [];
  const from = link.startsWith('/') ? link : `${parentOf(path)}/${link}`;
  for (const part of from.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
