import {
  type CustodyPolicy,
  type CustodyVerdict,
  type VerifyInput,
  verify,
} from '../../../src/custody/index.js';
import { type Line, renderLines } from '../../../src/report/index.js';
import {
  APP,
  aPolicy,
  BASE,
  daysAgo,
  layer,
  RUNTIME,
  readLayers,
  type Story,
  tell,
} from '../custody/world.js';

/** Verdicts to show: what the check says about a story and what was changed in it. */

export interface Told {
  readonly verdict: CustodyVerdict;
  readonly policy: CustodyPolicy;
  readonly story: Story;
}

type Edit = (input: VerifyInput, story: Story) => Partial<VerifyInput>;

export async function judged(draft: Parameters<typeof tell>[0] = {}, edit: Edit = () => ({})): Promise<Told> {
  const story = await tell(draft);
  const input = { ...story.input, ...edit(story.input, story) };
  return { verdict: await verify(input), policy: input.policy, story };
}

export function good(): Promise<Told> {
  return judged({}, (_, { head }) => ({ layerEvidence: readLayers(head.image) }));
}

/** The mark of the runtime team is gone. */
export function dropped(): Promise<Told> {
  return judged({}, ({ marks }) => ({ marks: marks.filter(({ source }) => !source.startsWith('runtime ')) }));
}

/** One of the two signers of the base is missing, and so is the promotion. */
export function underSigned(): Promise<Told> {
  return judged({ steps: [{ ...BASE, signers: ['linus'] }, RUNTIME, APP] }, ({ marks }) => ({
    marks: marks.filter(({ source }) => !source.startsWith('promote ')),
    tagGiven: true,
  }));
}

/** The runtime team leaves one layer out of its span. */
export function gapped(): Promise<Told> {
  const [first, second] = RUNTIME.layers;
  const draft = {
    ...RUNTIME,
    layers: [first, second] as typeof RUNTIME.layers,
    edit: (claim: { span: { from: number; to: number }; layers: readonly unknown[] }) => ({
      ...claim,
      span: { from: claim.span.from + 1, to: claim.span.to },
      layers: claim.layers.slice(1),
    }),
  };
  return judged({ steps: [BASE, draft as typeof RUNTIME, APP] });
}

/** A layer's blob could not be had, and the policy wants it read. */
export function unread(): Promise<Told> {
  return judged({ policy: { evidence: 'blobs' } }, (_, { head }) => ({
    layerEvidence: readLayers(head.image).map(fact =>
      fact.index === 4
        ? { ...fact, outcome: 'unavailable' as const, reason: 'the registry answered 404' }
        : fact,
    ),
  }));
}

/** A chain of many links and layers. */
export async function long(links = 30, layersEach = 4): Promise<Told> {
  const policy = await aPolicy();
  const flow = policy.flow.map(step =>
    step.step === 'runtime' ? { ...step, count: [1, 64] as const } : step,
  );
  const middle = Array.from({ length: links }, (_, at) => ({
    ...RUNTIME,
    layers: Array.from({ length: layersEach }, (_none, i) => layer(`runtime ${at} ${i}`)),
    time: daysAgo(12),
  }));
  return judged({ steps: [BASE, ...middle, APP], policy: { flow } });
}

export function textOf(lines: readonly Line[]): string {
  return renderLines(
    lines,
    (_style, text) => text,
    text => text.replace(/[\p{Cc}\p{Cf}]/gu, c => `\\u{${c.codePointAt(0)?.toString(16)}}`),
  );
}

/** Lines wider than the hundred columns that text may have. */
export function tooWide(text: string): readonly string[] {
  return text.split('\n').filter(row => [...row].length > 100);
}

/** Digests with other digits, so that a golden text does not hang on what exactly was digested. */
export function masked(text: string): string {
  return text.replace(/sha256:[0-9a-f]+/g, digest => `sha256:${'0'.repeat(digest.length - 7)}`);
}

export function manifestLayers({ head }: Story) {
  return head.image.layers.map(({ digest, size }, index) => ({ index, digest, size: size * 123_456 }));
}
