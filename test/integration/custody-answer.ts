import type { CustodySite } from './custody-site.js';

/** What `custody verify -o json` says about its only image. */
export interface CustodyAnswer {
  readonly ok: boolean;
  readonly code: string | null;
  readonly exitCode: number;
  readonly digest: string | null;
  readonly pinned: string | null;
  readonly message: string;
  readonly custody: CustodyReport | null;
}

export interface CustodyReport {
  readonly verdict: string;
  readonly code: string | null;
  readonly level: string | null;
  readonly chain: readonly {
    readonly kind: string;
    readonly team: string;
    readonly step: string;
    readonly signers: readonly string[];
    readonly seq: number;
    readonly span: { readonly from: number; readonly to: number };
    readonly manifest: string;
    readonly claim: string;
  }[];
  readonly approvals: readonly { readonly rule: string; readonly signers: readonly string[] }[];
  readonly layers: readonly {
    readonly index: number;
    readonly team: string;
    readonly digest: string;
    readonly diffID: string;
    readonly evidence: string;
  }[];
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly where: string;
    readonly hint: string | null;
  }[];
  readonly children: readonly CustodyReport[];
}

/**
 * Verifies with `custody verify` and, finished images, with `verify --policy` too. Checks that the process, the document and
 * the verdict on the image agree, and that both commands do.
 */
export async function custodyOf(
  site: CustodySite,
  image: string,
  options: { readonly policy?: string; readonly flags?: readonly string[]; readonly handover?: string } = {},
): Promise<CustodyAnswer> {
  const { policy = site.policy, flags = [], handover } = options;
  const answers: CustodyAnswer[] = [];
  // The gate is for finished images: it has no --handover.
  const commands = handover === undefined ? [['verify']] : [];
  for (const command of [['custody', 'verify'], ...commands]) {
    const about = ['--policy', policy, ...flags, ...(handover === undefined ? [] : ['--handover', handover])];
    const outcome = await site.run(...command, image, ...about, '-o', 'json');
    const document = outcome.json() as { ok: boolean; exitCode: number; images: CustodyAnswer[] };
    const [answer] = document.images ?? [];
    if (!answer) throw new Error(`no verdict in ${outcome.stdout}${outcome.stderr}`);
    const said = [outcome.code, document.exitCode, answer.exitCode];
    if (new Set(said).size !== 1) throw new Error(`process, document and image say ${said.join(', ')}`);
    const yes = [document.ok, answer.ok, answer.code === null, outcome.code === 0];
    if (new Set(yes).size !== 1) throw new Error(`is it a yes? ${outcome.stdout}`);
    if (answer.ok && answer.custody?.verdict !== 'pass')
      throw new Error(`a yes without pass: ${outcome.stdout}`);
    answers.push(answer);
  }
  const [first] = answers;
  if (!first) throw new Error('nothing was asked');
  for (const { code, message, custody } of answers) {
    if (code !== first.code || withoutAges(custody) !== withoutAges(first.custody))
      throw new Error(`the commands differ about ${image}: ${first.message}; ${message}`);
  }
  return first;
}

/** A second may pass between two commands. */
function withoutAges(custody: CustodyReport | null): string {
  return JSON.stringify(custody, (key, value: unknown) => (key === 'age' ? undefined : value));
}
