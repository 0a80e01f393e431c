import { fail } from '../src/base/errors.js';
import { TouchmarkCommand } from '../src/cli/base-command.js';
import { patientRegistryFlags } from '../src/cli/flags/registry.js';
import { Args } from '../src/cli/oclif.js';
import { otherAccess } from '../src/cli/other-image.js';
import { printable, type Styler } from '../src/cli/text.js';
import { createStoreAccess, openStore, resolveImage } from '../src/oci/open.js';
import { formatReference, parseReference, pinReference } from '../src/oci/reference.js';
import { countOf, formatSize, line, renderLines } from '../src/report/index.js';
import { type CopyResult, copyImage } from '../src/sign/index.js';

type Result = CopyResult & { readonly source: string; readonly destination: string };

export default class Copy extends TouchmarkCommand<Result> {
  static override summary = 'Copy an image or index, and everything that refers to it';
  static override description =
    'Signatures, attestations and SBOMs come along: .sig, .att and .sbom tags and all referrers. Every byte is checked ' +
    'against its digest; what the destination has already is not sent again, and signatures it has are kept. ' +
    'Credentials given by flags are for the destination; the source is read with those of the Docker or Podman configuration.';
  static override schema = 'copy';
  static override exitCodes = [11, 18, 20, 21, 23, 24] as const;
  static override examples = [
    {
      description: 'To another registry',
      command: 'touchmark copy registry.example/app:1.4 prod.example/app:1.4',
    },
    {
      description: 'Through an air gap',
      command: 'touchmark copy registry.example/app:1.4 oci-archive:app.tar',
    },
  ];
  static override args = {
    source: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE',
    }),
    destination: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE',
    }),
  };
  static override flags = {
    ...patientRegistryFlags,
  };

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(Copy);
    const from = parseReference(args.source);
    const to = parseReference(args.destination);
    if (to.transport === 'docker-archive') {
      fail('usage-read-only', 'a docker archive can be read and not written', {
        hint: 'oci-archive:FILE is one file too',
      });
    }
    const access = createStoreAccess(await this.storeOptions(flags));
    const sourceAccess = otherAccess(to, from, access);
    const progress = this.progress();
    try {
      const source = await openStore(from, sourceAccess);
      const target = await openStore(to, access);
      try {
        const root = await resolveImage(source, from);
        if (to.digest && to.digest !== root.descriptor.digest) {
          fail('usage-argument', `the source is ${root.descriptor.digest}; it cannot become ${to.digest}`);
        }
        // A layout without a tag keeps the one the image came with, so that it can be found again.
        const tag = to.digest ? undefined : (to.tag ?? from.tag);
        const copied = await copyImage(source, target, root, {
          tag,
          onProgress: ({ manifests, blobs, bytes }) =>
            progress.report({ phase: 'copying', done: manifests + blobs, bytes }),
        });
        const pin = (reference: typeof from) => formatReference(pinReference(reference, copied.digest));
        return { source: pin(from), destination: pin(to), ...copied };
      } finally {
        await target.close();
        await source.close();
      }
    } finally {
      await access.close();
      await sourceAccess.close();
    }
  }

  protected override text(result: Result, style: Styler): string {
    const { destination, manifests, blobs, bytes, attachments, referrers } = result;
    const along = `${countOf(attachments.length, 'attachment')} and ${countOf(referrers.length, 'referrer')}`;
    return renderLines(
      [
        line(destination, '  ', { text: 'copied', style: 'green' }),
        line(
          `  ${countOf(manifests, 'manifest')}, ${countOf(blobs, 'blob')} (${formatSize(bytes)} sent), with ${along}`,
        ),
      ],
      style,
      printable,
    );
  }
}
