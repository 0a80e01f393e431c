import { decodeUtf8 } from '../src/base/bytes.js';
import { computeDigest } from '../src/base/digest.js';
import { fail, type TouchmarkError, toTouchmarkError, withDetails } from '../src/base/errors.js';
import { TouchmarkCommand } from '../src/cli/base-command.js';
import {
  annotationFlag,
  carrierFlag,
  platformFlag,
  readAnnotations,
  readCarriers,
  repositoryFlag,
} from '../src/cli/flags/image.js';
import { dryRunFlag, yesFlag } from '../src/cli/flags/output.js';
import { registryFlags } from '../src/cli/flags/registry.js';
import { signingFlags } from '../src/cli/flags/signing.js';
import { loadSigners } from '../src/cli/load-signers.js';
import { Args, Flags } from '../src/cli/oclif.js';
import { requireOneRegistry } from '../src/cli/one-registry.js';
import { printable, type Styler } from '../src/cli/text.js';
import { loadTrustedKeys } from '../src/cli/trusted-keys.js';
import type { Signer } from '../src/crypto/keys.js';
import { createStoreAccess, openStore, resolveImage, type StoreAccess } from '../src/oci/open.js';
import { formatReference, parseReference, pinReference } from '../src/oci/reference.js';
import { type Line, line, renderLines } from '../src/report/index.js';
import { planSignatures, type SignOptions, signImage, type WrittenSignature } from '../src/sign/index.js';
import { type ErrorReport, reportError } from '../src/verify/report.js';

interface PlannedDocument {
  readonly subject: string;
  readonly carrier: string;
  readonly documentDigest: string;
  /** The exact text that is signed. */
  readonly document: string;
}

interface SignedImage {
  readonly reference: string;
  readonly digest: string | null;
  readonly pinned: string | null;
  /** The repository the image is signed for. */
  readonly repository: string | null;
  readonly signatures: readonly WrittenSignature[];
  /** With --dry-run: what would be signed. */
  readonly planned: readonly PlannedDocument[];
  readonly error: ErrorReport | null;
}

interface Result {
  readonly dryRun: boolean;
  readonly images: readonly SignedImage[];
}

export default class Sign extends TouchmarkCommand<Result> {
  static override summary = 'Sign the manifest digest of an image';
  static override description =
    'Writes both formats by default: the payload that cosign 2 reads in the .sig tag, and the bundle that cosign 3 reads as ' +
    'a referrer. A tag is resolved once, and its digest is what is signed. What was written is read back and verified.';
  static override schema = 'sign';
  static override exitCodes = [11, 12, 18, 20, 21, 22, 23, 24] as const;
  static override examples = [
    {
      description: 'By digest, which cannot move',
      command: 'touchmark sign --key ada.key registry.example/app@sha256:…',
    },
    {
      description: 'By tag, with an annotation',
      command: 'touchmark sign --key ada.key -a build=42 --yes registry.example/app:1.4',
    },
    {
      description: 'In a layout on disk',
      command: 'touchmark sign --key ada.key --as registry.example/app --yes oci:./image:1.4',
    },
  ];
  static override strict = false;
  static override args = {
    image: Args.string({
      required: true,
      description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE',
    }),
  };
  static override flags = {
    ...signingFlags,
    ...annotationFlag,
    ...repositoryFlag,
    ...carrierFlag,
    ...platformFlag,
    recursive: Flags.boolean({ char: 'r', summary: 'sign every image of an index, and the index' }),
    'co-sign': Flags.string({
      helpValue: 'REF',
      summary: 'sign the same bytes that this public key signed',
      exclusive: ['annotation'],
    }),
    ...dryRunFlag,
    ...yesFlag,
    ...registryFlags,
  };

  #failures: TouchmarkError[] = [];

  protected override async execute(): Promise<Result> {
    const { argv, flags } = await this.parse(Sign);
    const references = argv as string[];
    const [coSign] = flags['co-sign'] === undefined ? [] : await loadTrustedKeys([flags['co-sign']]);
    const options: SignOptions = {
      carriers: readCarriers(flags.carrier),
      annotations: readAnnotations(flags.annotation),
      recursive: flags.recursive,
      ...(flags.as !== undefined && { repository: flags.as }),
      ...(flags.platform !== undefined && { platform: flags.platform }),
      ...(coSign && { coSign }),
    };
    const storeOptions = await this.storeOptions(flags);
    requireOneRegistry(references, storeOptions);
    const access = createStoreAccess(storeOptions);
    const openSigners = this.#signerLoader(flags.key, this.passwords(flags));
    const images: SignedImage[] = [];
    try {
      for (const reference of references) {
        images.push(
          await this.#signOne(access, reference, options, flags, openSigners).catch(error =>
            this.#failed(reference, error),
          ),
        );
        if (this.signal.aborted) break;
      }
    } finally {
      await access.close();
    }
    return { dryRun: flags['dry-run'] ?? false, images };
  }

  /** Opens the keys when they are first needed, once for all images. */
  #signerLoader(
    references: readonly string[],
    passwords: ReturnType<Sign['passwords']>,
  ): () => Promise<readonly Signer[]> {
    let signers: Promise<readonly Signer[]> | undefined;
    return () => {
      signers ??= loadSigners(references, passwords, message => this.warn(message));
      return signers;
    };
  }

  async #signOne(
    access: StoreAccess,
    reference: string,
    options: SignOptions,
    flags: { readonly yes: boolean; readonly 'dry-run': boolean },
    openSigners: () => Promise<readonly Signer[]>,
  ): Promise<SignedImage> {
    const parsed = parseReference(reference);
    const store = await openStore(parsed, access);
    try {
      if (!store.writable) fail('usage-read-only', `${reference} cannot hold signatures: it is read-only`);
      const root = await resolveImage(store, parsed);
      const pinned = formatReference(pinReference(parsed, root.descriptor.digest));
      const about = {
        reference,
        digest: root.descriptor.digest,
        pinned,
        repository: options.repository ?? store.repository,
      };
      if (flags['dry-run']) {
        const planned = (await planSignatures(store, root, options)).map(
          ({ subject, carrier, document }) => ({
            subject: subject.digest,
            carrier,
            documentDigest: computeDigest(document),
            document: decodeUtf8(document) ?? '',
          }),
        );
        return { ...about, signatures: [], planned, error: null };
      }
      if (!parsed.digest) {
        this.note(`${printable(reference)} is ${root.descriptor.digest}`);
        await this.confirm(`Sign ${pinned}, which the tag names now?`, flags);
      }
      const signers = await openSigners();
      const signatures = await signImage(store, root, signers, { ...options, now: new Date() });
      return { ...about, signatures, planned: [], error: null };
    } finally {
      await store.close();
    }
  }

  #failed(reference: string, cause: unknown): SignedImage {
    const error = withDetails(toTouchmarkError(cause), { image: reference });
    this.#failures.push(error);
    return {
      reference,
      digest: null,
      pinned: null,
      repository: null,
      signatures: [],
      planned: [],
      error: reportError(error),
    };
  }

  protected override problems(): readonly TouchmarkError[] {
    return this.#failures;
  }

  protected override text({ images }: Result, style: Styler): string {
    const lines = images.filter(image => image.error === null).flatMap(presentSigned);
    return renderLines(lines, style, printable);
  }
}

function presentSigned(image: SignedImage): readonly Line[] {
  const planned = image.planned.flatMap(({ carrier, document }) => [
    line({ text: `# ${carrier}`, style: 'dim' }),
    line(document),
  ]);
  if (image.signatures.length === 0) return planned;
  return [
    line(
      image.pinned ?? image.reference,
      '  ',
      { text: 'signed', style: 'green' },
      ` for ${image.repository}`,
    ),
    ...image.signatures.map(({ carrier, keyid, scheme, subject, added }) =>
      line(
        '  ',
        carrier.padEnd(14),
        `key ${keyid.slice(0, 12)}  ${scheme}  `,
        subject === image.digest ? '' : `${subject}  `,
        added ? 'written' : 'was there already',
      ),
    ),
  ];
}
