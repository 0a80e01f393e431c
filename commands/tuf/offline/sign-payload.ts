import { access } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LIMITS } from '../../../src/base/limits.js';
import { readSmallFile, writeOutputFile } from '../../../src/cli/files.js';
import { dryRunFlag, yesFlag } from '../../../src/cli/flags/output.js';
import { signingFlags } from '../../../src/cli/flags/signing.js';
import { Args, Flags } from '../../../src/cli/oclif.js';
import { printable, type Styler } from '../../../src/cli/text.js';
import { TufCommand } from '../../../src/cli/tuf-command.js';
import { type ChangesFacts, toChangesFacts } from '../../../src/cli/tuf-facts.js';
import type { Signer } from '../../../src/crypto/keys.js';
import { countOf } from '../../../src/report/custody-words.js';
import { renderLines } from '../../../src/report/lines.js';
import { presentPayload, presentSignedPayloads } from '../../../src/report/tuf-offline-text.js';
import { changesOf, hasSignedBefore, isAsked, signPayloads } from '../../../src/tuf/ceremony/exchange.js';
import { digestOf, type OpenedPayload, parsePayloadFile } from '../../../src/tuf/ceremony/payload-file.js';
import { type RoleSignatures, serializeSignatureFile } from '../../../src/tuf/ceremony/signature-file.js';

interface Result {
  readonly file: string | null;
  readonly changes: readonly ChangesFacts[];
  readonly signed: readonly RoleSignatures[];
}

export default class TufOfflineSignPayload extends TufCommand<Result> {
  static override summary = 'Sign a file from tuf offline export; needs no repository and no network';
  static override description =
    'What changes is read out of the bytes to sign and shown in words before a password is asked for; the summary in the file ' +
    'is never shown. With each role stand its digest, to compare with whoever exported it, and whether your key signed the ' +
    'version it is compared with. Every signature is verified at once.';
  static override schema = 'tuf-sign-payload';
  static override exitCodes = [12, 17, 20, 22, 24] as const;
  static override examples = [
    {
      description: 'On the offline machine',
      command: 'touchmark tuf offline sign-payload to-sign.json --key ada.key',
    },
    {
      description: 'Only look',
      command: 'touchmark tuf offline sign-payload to-sign.json --key ada.key --dry-run',
    },
  ];
  static override args = {
    file: Args.string({ required: true, description: 'file that tuf offline export wrote' }),
  };
  static override flags = {
    'output-file': Flags.string({
      helpValue: 'FILE',
      summary: 'the signatures to send back; default signed-KEYID.json beside the file',
    }),
    ...signingFlags,
    ...dryRunFlag,
    ...yesFlag,
  };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(TufOfflineSignPayload);
    const bytes = await readSmallFile(args.file, LIMITS.tufPayloadFileSize, 'FILE');
    const payloads = parsePayloadFile(bytes, basename(args.file));
    const changes = payloads.map(payload => toChangesFacts(changesOf(payload)));
    if (flags['dry-run']) return { file: null, changes, signed: [] };
    const shown = payloads.flatMap((payload, at) =>
      presentPayload(changes[at] as ChangesFacts, digestOf(payload.payload)),
    );
    for (const text of renderLines(shown, this.settings.stderr, printable).split('\n')) this.note(text);
    const roles = payloads.map(({ role }) => role).slice(0, 10);
    await this.confirm(`Sign ${countOf(payloads.length, 'role')}: ${roles.join(', ')}?`, flags);
    const signers = await this.metadataSigners(flags);
    await this.#askAboutStrangers(payloads, signers, flags);
    const signed = signPayloads(payloads, signers);
    const keyid = signed[0]?.signatures[0]?.keyid.slice(0, 12);
    const file = flags['output-file'] ?? join(dirname(args.file), `signed-${keyid}.json`);
    const exists = await access(file).then(
      () => true,
      () => false,
    );
    if (exists) await this.confirm(`Overwrite ${file}?`, flags);
    await writeOutputFile(file, serializeSignatureFile(signed), { overwrite: exists });
    return { file, changes, signed };
  }

  /** Whoever made the file may have made up what it is compared with, unless the key itself has signed that. */
  async #askAboutStrangers(
    payloads: readonly OpenedPayload[],
    signers: readonly Signer[],
    flags: { readonly yes: boolean },
  ): Promise<void> {
    const strange = payloads.filter(
      payload =>
        payload.before !== undefined &&
        signers.some(signer => isAsked(payload, signer)) &&
        !signers.some(signer => hasSignedBefore(payload, signer)),
    );
    if (strange.length === 0) return;
    const names = strange.map(({ role, version }) => `${role} ${version - 1}`).slice(0, 10);
    this.warn(
      `your key has not signed what was compared with (${names.join(', ')}): compare the digests with whoever exported the file`,
    );
    await this.confirm('Sign all the same?', flags);
  }

  protected override text({ file, changes, signed }: Result, style: Styler): string {
    return renderLines(presentSignedPayloads({ file, changes, signed }), style, printable);
  }
}
