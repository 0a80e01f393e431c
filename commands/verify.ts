import { decodeUtf8 } from '../src/base/bytes.js';
import { fail, type TouchmarkError } from '../src/base/errors.js';
import { LIMITS } from '../src/base/limits.js';
import { TouchmarkCommand } from '../src/cli/base-command.js';
import { variableOf } from '../src/cli/environment.js';
import { readSmallFile } from '../src/cli/files.js';
import {
  annotationFlag,
  carrierFlag,
  platformFlag,
  readAnnotations,
  readCarriers,
  repositoryFlag,
} from '../src/cli/flags/image.js';
import { registryFlags } from '../src/cli/flags/registry.js';
import { readThreshold, trustFlags } from '../src/cli/flags/trust.js';
import { Args, Flags } from '../src/cli/oclif.js';
import { requireOneRegistry } from '../src/cli/one-registry.js';
import { printable, type Styler } from '../src/cli/text.js';
import { loadTrustedKeys } from '../src/cli/trusted-keys.js';
import { createStoreAccess } from '../src/oci/open.js';
import { explainVerdict, presentVerdict, presentVerdictLine, renderLines } from '../src/report/index.js';
import { type ImageVerdict, LEVELS, type Level, verifyImages } from '../src/verify/index.js';
import { type ImageReport, reportImage } from '../src/verify/report.js';

interface Result {
  readonly images: readonly ImageReport[];
  readonly summary: { readonly total: number; readonly verified: number };
}

export default class Verify extends TouchmarkCommand<Result> {
  static override summary = 'Check who signed an image: the gate';
  static override description =
    'Reads signatures of both formats, touchmark’s and cosign’s, until enough of the given keys have signed. ' +
    'A tag is resolved once; what was verified is printed by digest. Exit code 0 is the only yes.';
  static override schema = 'verify';
  static override exitCodes = [10, 11, 12, 14, 18, 20, 21, 22, 24] as const;
  static override examples = [
    { description: 'One key', command: 'touchmark verify --key ada.pub registry.example/app:1.4' },
    {
      description: 'Two of three keys, as JSON',
      command:
        'touchmark verify --key ada.pub --key ben.pub --key cyd.pub --threshold 2 -o json registry.example/app:1.4',
    },
    {
      description: 'Many images in one process',
      command: 'touchmark verify --key ada.pub --images list.txt',
    },
  ];
  static override strict = false;
  static override args = {
    image: Args.string({ description: 'IMAGE…: registry reference, oci:DIR[:TAG], oci-archive:FILE' }),
  };
  static override flags = {
    ...trustFlags,
    ...annotationFlag,
    ...repositoryFlag,
    // No variable: a forgotten one would take signatures for any repository in every later run.
    'insecure-ignore-repository': Flags.boolean({
      summary: 'accept a signature for any repository',
      exclusive: ['as'],
    }),
    ...carrierFlag,
    ...platformFlag,
    level: Flags.string({
      options: [...LEVELS],
      helpValue: LEVELS.join('|'),
      env: variableOf('level'),
      summary: 'blobs: read config and layers too; default blobs on disk, manifest in a registry',
    }),
    images: Flags.string({
      helpValue: 'FILE',
      summary: 'references, one a line, # comments; - is standard input',
    }),
    ...registryFlags,
  };

  #verdicts: readonly ImageVerdict[] = [];

  protected override async execute(): Promise<Result> {
    const { argv, flags } = await this.parse(Verify);
    const references = [
      ...(argv as string[]),
      ...(flags.images === undefined ? [] : await this.#readList(flags.images)),
    ];
    if (references.length === 0)
      fail('usage-argument', 'no image is given', { hint: 'touchmark verify --key NAME.pub IMAGE' });
    const keys = await loadTrustedKeys(flags.key);
    const threshold = readThreshold(flags.threshold, keys.length);
    if (flags['insecure-ignore-repository']) this.warn('signatures for any repository are accepted');
    const options = await this.storeOptions(flags);
    requireOneRegistry(references, options);
    const access = createStoreAccess(options);
    const progress = references.length > 1 ? this.progress() : undefined;
    try {
      this.#verdicts = await verifyImages(access, references, {
        keys,
        threshold,
        annotations: readAnnotations(flags.annotation),
        carriers: readCarriers(flags.carrier),
        concurrency: Math.max(flags.concurrency, 1) * 2,
        ...(flags.as !== undefined && { repository: flags.as }),
        anyRepository: flags['insecure-ignore-repository'],
        ...(flags.platform !== undefined && { platform: flags.platform }),
        ...(flags.level !== undefined && { level: flags.level as Level }),
        onVerdict: (_, done, total) => progress?.report({ phase: 'verifying', done, total }),
      });
    } finally {
      await access.close();
    }
    const images = this.#verdicts.map(reportImage);
    return { images, summary: { total: images.length, verified: images.filter(image => image.ok).length } };
  }

  protected override text({ images, summary }: Result, style: Styler): string {
    const [only] = this.#verdicts;
    if (images.length === 1 && only) return renderLines(presentVerdict(only), style, printable);
    const lines = this.#verdicts.map(presentVerdictLine);
    return renderLines(
      [...lines, [`${summary.verified} of ${summary.total} images verified`]],
      style,
      printable,
    );
  }

  protected override problems(): readonly TouchmarkError[] {
    return this.#verdicts.flatMap(verdict => explainVerdict(verdict) ?? []);
  }

  async #readList(file: string): Promise<string[]> {
    const bytes =
      file === '-'
        ? await this.readStdin('--images', LIMITS.imageListSize)
        : await readSmallFile(file, LIMITS.imageListSize, '--images');
    const text =
      decodeUtf8(bytes) ?? fail('usage-file', 'the list of images is not UTF-8 text', { details: { file } });
    return text
      .split(/\r?\n/)
      .map(line => line.replace(/(?:^|\s)#.*$/, '').trim())
      .filter(line => line !== '');
  }
}
