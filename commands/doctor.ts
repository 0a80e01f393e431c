import type { TouchmarkError } from '../src/base/errors.js';
import { TouchmarkCommand } from '../src/cli/base-command.js';
import { registryFlags } from '../src/cli/flags/registry.js';
import { Args } from '../src/cli/oclif.js';
import { printable, type Styler } from '../src/cli/text.js';
import { diagnose, type Finding } from '../src/inspect/index.js';
import type { RequestEvent } from '../src/oci/context.js';
import { createStoreAccess } from '../src/oci/open.js';
import { type Line, line, renderLines, type TextStyle } from '../src/report/index.js';

interface Result {
  readonly findings: readonly (Omit<Finding, 'error'> & { readonly code: string | null })[];
}

const STYLES: Readonly<Record<Finding['result'], TextStyle>> = {
  ok: 'green',
  warning: 'yellow',
  failed: 'red',
};

export default class Doctor extends TouchmarkCommand<Result> {
  static override summary =
    'Check what the other commands depend on: credentials, registry, clock, signatures';
  static override description =
    'With an image: which credentials are used for it, whether the registry answers and what it can do, and whether every ' +
    'reader finds its signatures. Nothing is written, and no secret is shown.';
  static override schema = 'doctor';
  static override exitCodes = [11, 18, 20, 21, 24] as const;
  static override examples = [
    { description: 'This machine', command: 'touchmark doctor' },
    { description: 'Everything about one image', command: 'touchmark doctor registry.example/app:1.4' },
  ];
  static override args = {
    image: Args.string({ description: 'registry reference, oci:DIR[:TAG], oci-archive:FILE' }),
  };
  static override flags = { ...registryFlags };

  #findings: readonly Finding[] = [];

  protected override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(Doctor);
    const options = await this.storeOptions(flags);
    const events: RequestEvent[] = [];
    const onRequest = (event: RequestEvent) => {
      events.push(event);
      options.onRequest?.(event);
    };
    const access = createStoreAccess({ ...options, onRequest });
    try {
      const host = { nodeVersion: process.versions.node, now: new Date(), environment: process.env };
      this.#findings = await diagnose(access, args.image, host, events);
    } finally {
      await access.close();
    }
    return {
      findings: this.#findings.map(({ error, ...finding }) => ({ ...finding, code: error?.code ?? null })),
    };
  }

  protected override problems(): readonly TouchmarkError[] {
    return this.#findings.flatMap(({ error }) => error ?? []);
  }

  protected override text(_: Result, style: Styler): string {
    return renderLines(this.#findings.flatMap(presentFinding), style, printable);
  }
}

function presentFinding({ id, result, message, hint }: Finding): readonly Line[] {
  const first = line({ text: result.padEnd(8), style: STYLES[result] }, id.padEnd(22), '  ', message);
  return hint === null ? [first] : [first, line(' '.repeat(32), { text: hint, style: 'dim' })];
}
