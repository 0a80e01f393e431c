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
import { loadPublicKey } from '../../../src/crypto/index.js';
import { createStoreAccess } from '../../../src/oci/open.js';
import { renderLines } from '../../../src/report/lines.js';
import { type NotaryImport, presentImport } from '../../../src/report/notary-import-text.js';
import { releaseTarget } from '../../../src/trust/layout.js';
import { importNotary, planImport, verifyNotary } from '../../../src/tuf/notary/index.js';

export default class TufNotaryImport extends TouchmarkCommand<NotaryImport> {
  static override summary = 'Make a TUF repository of what Docker Content Trust holds of an image';
  static override description =
    'Verifies it as touchmark tuf notary verify does, then stages a repository that says the same: root and targets keep ' +
    'their keys, targets/releases becomes the role release with every tag and its digest, other delegations become teams. ' +
    'Nothing is published before their keys have signed: touchmark key import takes the private keys of ' +
    '~/.docker/trust/private. What could not be carried over is listed. Run again, it adds what has changed since.';
  static override schema = 'tuf-notary-import';
  static override exitCodes = [17, 20, 21, 22, 23, 24] as const;
  static override examples = [
    {
      description: 'From what docker trust left on disk, which soon runs out',
      command:
        'touchmark tuf notary import ~/.docker/trust/tuf/docker.io/team/app --root-key 4b1f58…2fea --insecure-ignore-expiry --into trust --online-key online.pub',
    },
    {
      description: 'A second image into the same repository',
      command: 'touchmark tuf notary import registry.example/team/web --root-key 4b1f58…2fea --into trust',
    },
  ];
  static override args = notaryArgument;
  static override flags = {
    into: Flags.string({
      required: true,
      helpValue: 'DIR',
      summary: 'folder of the TUF repository; made when it is not there',
    }),
    'online-key': Flags.string({
      helpValue: 'REF',
      env: variableOf('online-key'),
      summary: 'for a new repository: public key of who signs snapshot and timestamp',
    }),
    ...notaryServerFlag,
    ...notaryTrustFlags,
    ...registryFlags,
  };

  protected override async execute(): Promise<NotaryImport> {
    const { args, flags } = await this.parse(TufNotaryImport);
    const pin = await readNotaryPin(flags);
    const online = flags['online-key'];
    const onlineKey = online === undefined ? undefined : await loadPublicKey(online);
    const insecureIgnoreExpiry = flags['insecure-ignore-expiry'];
    if (insecureIgnoreExpiry)
      this.warn('dates are passed over: what is imported may have been replaced long ago');
    const access = createStoreAccess(await this.storeOptions(flags));
    try {
      const { files, place } = await fetchNotary(args.repository, flags, access);
      const now = new Date();
      const verdict = verifyNotary(files, { pin, now, insecureIgnoreExpiry });
      const [first] = verdict.problems;
      if (first) throw first.error;
      const plan = planImport(files.gun, verdict, tag => releaseTarget(files.gun, tag));
      const { created, roles, kept } = await importNotary(flags.into, plan, {
        now,
        ...(onlineKey && { onlineKey }),
      });
      const holder = ({ key, label }: (typeof plan.root.keys)[number]) => ({
        label: label ?? null,
        keyid: key.keyid,
      });
      return {
        repository: files.gun,
        place,
        into: flags.into,
        created,
        roles: [
          ...(created
            ? (['root', 'targets'] as const).map(name => ({
                name,
                from: name,
                threshold: plan[name].threshold,
                keys: plan[name].keys.map(holder),
                paths: [],
                tags: 0,
                added: true,
              }))
            : []),
          ...roles.map(({ name, from, threshold, keys, paths, entries }) => ({
            name,
            from,
            threshold,
            keys: keys.map(holder),
            paths,
            tags: entries.length,
            added: !kept.includes(name),
          })),
        ],
        losses: plan.losses,
      };
    } finally {
      await access.close();
    }
  }

  protected override text(result: NotaryImport, style: Styler): string {
    return renderLines(presentImport(result), style, printable);
  }
}
