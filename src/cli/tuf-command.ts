import type { Signer } from '../crypto/keys.js';
import { renderLines } from '../report/lines.js';
import { presentEdit } from '../report/tuf-text.js';
import { isWeaker, type RoleChanges } from '../tuf/ceremony/change.js';
import { readChanges } from '../tuf/ceremony/exchange.js';
import { openRepository, type Repository, type StagedRole } from '../tuf/repository/index.js';
import { metadataScheme } from '../tuf/repository/key-entry.js';
import { TouchmarkCommand } from './base-command.js';
import type { SigningFlagValues } from './flags/signing.js';
import { loadSigners } from './load-signers.js';
import { printable, type Styler } from './text.js';
import { type ChangesFacts, toChangesFacts } from './tuf-facts.js';

/** What commands have in common that work on the folder of a TUF repository. */
export abstract class TufCommand<Result extends object> extends TouchmarkCommand<Result> {
  /** Opens the folder; says so when a publication that was interrupted has been finished or taken back. */
  protected async openFolder(dir: string): Promise<Repository> {
    const repository = await openRepository(dir, { now: new Date() });
    if (repository.recovered === 'completed')
      this.warn('a publication that had been interrupted was completed');
    if (repository.recovered === 'rolled-back')
      this.warn('a publication that had been interrupted was taken back: what it was to publish is staged');
    return repository;
  }

  /** Opens private keys, to sign as metadata is signed. Asks for their passwords. */
  protected metadataSigners(
    flags: SigningFlagValues & { readonly key: readonly string[] },
  ): Promise<readonly Signer[]> {
    return loadSigners(flags.key, this.passwords(flags), message => this.warn(message), {
      scheme: metadataScheme,
    });
  }
}

/** What an edit staged. */
export interface EditResult {
  readonly dir: string;
  readonly staged: readonly StagedRole[];
  /** Of the roles that this edit changed, against what is published. */
  readonly changes: readonly ChangesFacts[];
}

/** What commands have in common that stage a change: they say what is staged, what it changes and who comes next. */
export abstract class TufEditCommand extends TufCommand<EditResult> {
  protected async edit(
    dir: string,
    change: (repository: Repository) => Promise<readonly StagedRole[]>,
  ): Promise<EditResult> {
    const repository = await this.openFolder(dir);
    const staged = await change(repository);
    return { dir, staged, changes: (await this.changesOf(repository, staged)).map(toChangesFacts) };
  }

  protected async changesOf(
    repository: Repository,
    staged: readonly StagedRole[],
  ): Promise<readonly RoleChanges[]> {
    const changes: RoleChanges[] = [];
    for (const { role, changed } of staged) if (changed) changes.push(await readChanges(repository, role));
    return changes;
  }

  protected override text(result: EditResult, style: Styler): string {
    return renderLines(presentEdit(result), style, printable);
  }
}

/** Which roles would need fewer signatures than before. */
export function weakened(all: readonly RoleChanges[]): readonly string[] {
  return all.flatMap(({ changes }) =>
    changes.flatMap(change => (isWeaker(change) && 'role' in change ? [change.role] : [])),
  );
}
