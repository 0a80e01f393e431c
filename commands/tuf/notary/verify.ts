import { fail, TouchmarkError } from '../../../src/base/errors.js';
import { TouchmarkCommand } from '../../../src/cli/base-command.js';
import { variableOf } from '../../../src/cli/environment.js';
import {
  fetchNotary,
  notaryArgument,
  notaryServerFlag,
  notaryTrustFlags,
  readNotaryPin,
} from '../../../src/cli/flags/notary.js';
import { registryFlags } from '../../../src/cli/flags/registry.js';
import { Flags } from '../../../src/cli/oclif.js';
import { printable, type Styler } from '../../../src/cli/text.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import { line, renderLines } from '../../../src/report/lines.js';
import { presentNotary } from '../../../src/report/notary-text.js';
import {
  collectNotary,
  describeProven,
  type NotaryDescription,
  type NotaryPin,
  type NotaryProblem,
  openTrustFolder,
  verifyNotary,
} from '../../../src/tuf/notary/index.js';

interface Result extends NotaryDescription {
  readonly place: string;
  readonly trusted: NotaryPin['kind'];
  readonly problems: readonly { readonly role: string; readonly code: string; readonly message: string }[];
}

export default class TufNotaryVerify extends TouchmarkCommand<Result> {
  static override summary = 'Verify what Docker Content Trust says of a repository';
  static override description =
    'From the root key that you trust over timestamp and snapshot to every delegated role: signatures, thresholds, dates, ' +
    'hashes, prefixes. With --known, the folder of an earlier check, its root is trusted, and nothing may be older than what ' +
    'it holds. Only what was proven is shown.';
  static override schema = 'tuf-notary-verify';
  static override exitCodes = [17, 20, 21, 24] as const;
  static override examples = [
    {
      description: 'With the root key that docker trust inspect shows',
      command: 'touchmark tuf notary verify registry.example/team/app --root-key 4b1f58…2fea --tag 1.4',
    },
    {
      description: 'The server against what was seen of it before',
      command:
        'touchmark tuf notary verify registry.example/team/app --known ~/.docker/trust/tuf/registry.example/team/app',
    },
  ];
  static override args = notaryArgument;
  static override flags = {
    ...notaryServerFlag,
    ...notaryTrustFlags,
    known: Flags.string({
      helpGroup: 'TRUST',
      helpValue: 'DIR',
      env: variableOf('known'),
      summary: 'trust folder of an earlier check: what is older is refused',
      exclusive: ['trust-on-first-use'],
    }),
    tag: Flags.string({
      multiple: true,
      helpValue: 'TAG',
      summary: 'a tag that must be there and released (repeatable)',
    }),
    ...registryFlags,
  };

  #problems: readonly NotaryProblem[] = [];

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(TufNotaryVerify);
    const known = flags.known === undefined ? undefined : await collectNotary(openTrustFolder(flags.known));
    const pin = await readNotaryPin(flags, known);
    const insecureIgnoreExpiry = flags['insecure-ignore-expiry'];
    if (insecureIgnoreExpiry)
      this.warn('dates are passed over: what this says may have been replaced long ago');
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      const { files, place } = await fetchNotary(args.repository, flags, access);
      if (known && known.gun !== files.gun)
        fail('usage-argument', `--known is of ${known.gun}, not of ${files.gun}`);
      const verdict = verifyNotary(files, {
        pin,
        now: new Date(),
        insecureIgnoreExpiry,
        ...(known && { known: known.metadata }),
      });
      const proven = describeProven(files, verdict);
      const missing = (flags.tag ?? []).filter(
        tag => !proven.tags.some(entry => entry.tag === tag && entry.released !== null),
      );
      this.#problems = [
        ...verdict.problems,
        ...missing.map(tag => ({
          role: 'targets',
          error: new TouchmarkError('tuf-target-unlisted', `no proven role has released the tag ${tag}`, {
            details: { repository: files.gun, tag },
          }),
        })),
      ];
      return {
        place,
        trusted: pin.kind,
        ...proven,
        problems: this.#problems.map(({ role, error }) => ({
          role,
          code: error.code,
          message: error.message,
        })),
      };
    } finally {
      await access.close();
    }
  }

  protected override problems(): readonly TouchmarkError[] {
    return this.#problems.map(({ error }) => error);
  }

  protected override text(result: Result, style: Styler): string {
    const { repository, problems, trusted, roles } = result;
    const good = problems.length === 0;
    const root = roles.find(({ name }) => name === 'root');
    const ids = root?.keys.map(({ id, keyid }) => id ?? keyid) ?? [];
    const head = [
      line(
        repository,
        '  ',
        good ? { text: 'verified', style: 'green' } : { text: 'NOT verified', style: 'red' },
      ),
      ...(trusted === 'first-use'
        ? [line(`  trusted on first use; from now on: ${ids.map(id => `--root-key ${id}`).join(' ')}`)]
        : []),
      line(),
    ];
    return renderLines([...head, ...presentNotary(result)], style, printable);
  }
}
