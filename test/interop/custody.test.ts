import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchManifest, listTags, putManifest, repositoryOf } from '../integration/registry-http.js';
import { CHECKOUT } from '../peers/checkout.js';
import { describeOutcome, type Outcome } from '../peers/command.js';
import { type CosignMajor, cosign, cosignVerify, cosignVerifyArgs } from '../peers/cosign.js';
import { PEERS } from '../peers/peer-list.js';
import { requirePeers } from '../peers/require-peers.js';
import {
  COPIES,
  expectedAnswer,
  expectedOfStatement,
  MAJORS,
  MARKS,
  type Mark,
  QUESTIONS,
  type Question,
  STATEMENTS,
  type Statement,
  VERBS,
  type Verb,
} from './custody-matrix.js';
import { APPROVALS, attachedTo, digestOf, IMAGES, openShop, type Shop } from './custody-shop.js';
import { answerKey, renderCustodyTable } from './custody-table.js';

const absent = await requirePeers(['docker-registry', 'skopeo', 'cosign2', 'cosign3']);
const TABLE = join(CHECKOUT, 'test/interop/CUSTODY-TABLE.md');
const SUMMARY = 'https://slsa.dev/verification_summary/v1';
/** How cosign says that it found nothing it was asked for. */
const NOTHING =
  /no signatures found|no valid bundles exist|no matching (?:signatures|attestations)|missing or incorrect annotation/;

describe.skipIf(absent)('what others make of custody', () => {
  const answers = new Map<string, string>();
  let shop: Shop;
  /** By the name of the repository, pinned. */
  const images = new Map<string, string>();
  beforeAll(async () => {
    shop = await openShop('custody-interop');
    for (const name of ['base', 'app', 'configured', 'upstream'] as const)
      images.set(name, await shop.push(name, IMAGES[name]));
    await shop.claim('mark', 'base', 'linus', imageAt('base'), '--step', 'base');
    await shop.claim('co-sign', 'base', 'grace', imageAt('base'));
    await shop.claim('mark', 'app', 'ben', imageAt('app'), '--step', 'app', '--base', imageAt('base'));
    await shop.claim('approve', 'security', 'sec', imageAt('app'), '--step', 'scan');
    const configured = ['--step', 'app', '--base', imageAt('app')];
    await shop.claim('mark', 'app', 'ben', imageAt('configured'), ...configured);
    const upstream = `docker.io/library/debian@${digestOf(imageAt('upstream'))}`;
    const adopted = ['--step', 'upstream', '--upstream', upstream];
    await shop.claim('adopt', 'base', 'linus', imageAt('upstream'), ...adopted);
    for (const major of MAJORS) {
      const image = await shop.push(`by-cosign-${major}`, IMAGES.app);
      await shop.markWithCosign(major, image, imageAt('base'));
      images.set(`by-cosign-${major}`, image);
    }
  });
  afterAll(() => shop?.close());

  const imageAt = (name: string): string => {
    const image = images.get(name);
    if (!image) throw new Error(`there is no image ${name}`);
    return image;
  };
  /** Holds what cosign says to what is expected, and keeps it for the table; a no must be for want of what was asked for. */
  const record = (outcome: Outcome, expected: string, ...asked: readonly (string | number)[]): void => {
    const said = outcome.code === 0 ? 'yes' : 'no';
    expect(expected.replace(/ \(\w\)$/, ''), describeOutcome(outcome)).toBe(said);
    if (said === 'no') expect(outcome.stderr, describeOutcome(outcome)).toMatch(NOTHING);
    answers.set(answerKey(...asked), expected);
  };

  it.each(MARKS.flatMap(mark => mark.carriers.map(carrier => ({ ...mark, carrier }))))(
    '$says, $carrier',
    async ({ carrier, ...mark }) => {
      const path = `${carrier}/${mark.image}/${mark.key}`;
      const alone = await shop.copyWith(imageAt(mark.image), path, [carrier === 'bundle' ? '' : '.sig']);
      for (const major of MAJORS) {
        const stranger = await cosignVerify(shop.scratch, major, carrier, 'gate.pub', alone);
        expect(stranger.code, describeOutcome(stranger)).not.toBe(0);
        for (const question of QUESTIONS) {
          const more = filters(mark, question);
          const asked = await cosignVerify(shop.scratch, major, carrier, `${mark.key}.pub`, alone, more);
          const expected = expectedAnswer(carrier, major, question);
          record(asked, expected, mark.says, carrier, major, question);
        }
      }
      const approvals = mark.step === 'scan' ? APPROVALS : [];
      const policy = shop.writePolicy('one-carrier.json', { marks: { carriers: [carrier] }, approvals });
      const { custody: report } = await shop.verify(imageAt(mark.image), '--policy', policy);
      const entries = [...(report?.chain ?? []), ...(report?.approvals ?? [])];
      expect(entries.find(({ step }) => step === mark.step)?.signers).toContain(mark.key);
      answers.set(answerKey(mark.says, carrier, 'touchmark'), 'yes');
    },
  );

  describe('what is no mark', () => {
    /** Images that carry nothing but the statement; the key it is signed with. */
    const carriers: Readonly<Record<Statement, () => Promise<readonly [string, string]>>> = {
      'withdrawal of a mark': async () => {
        const image = await shop.push('withdrawn', IMAGES.base);
        await shop.claim('mark', 'base', 'linus', image, '--step', 'base');
        const before = await signaturesOf(image);
        expect(before).toHaveLength(MAJORS.length);
        await shop.claim('withdraw', 'base', 'linus', image);
        expect(await signaturesOf(image)).toEqual(before);
        expect((await shop.verify(image, '--policy', shop.policy)).code).toBe('mark-withdrawn');
        const alone = await shop.copyWith(image, 'withdrawn', ['.custody']);
        const held = await fetchManifest(attachedTo(alone, '.custody'));
        const { mediaType, digest, size } = held;
        const manifests = [{ mediaType, digest, size, artifactType: CUSTODY_TYPE }];
        await putManifest(attachedTo(alone), { ...EMPTY_INDEX, manifests });
        expect((await shop.verify(alone, '--policy', shop.policy, '--as', repositoryOf(image))).code).toBe(
          'mark-withdrawn',
        );
        return [alone, 'linus'];
      },
      'claim about an index': async () => {
        const children = [await shop.push('index', IMAGES.base), await shop.push('index', IMAGES.baseForArm)];
        const manifests = await Promise.all(
          children.map(async child => {
            const { mediaType, digest, size } = await fetchManifest(child);
            const architecture = child === children[0] ? 'amd64' : 'arm64';
            return { mediaType, digest, size, platform: { os: 'linux', architecture } };
          }),
        );
        const repository = `${shop.registry.host}/shop/index`;
        const index = `${repository}@${await putManifest(`${repository}:v1`, { ...EMPTY_INDEX, manifests })}`;
        await shop.claim('mark', 'base', 'linus', index, '--step', 'base');
        expect(await listTags(repository)).toContain(attachedTo(index, '.custody').split(':').at(-1));
        for (const child of children) expect(await signaturesOf(child)).toHaveLength(MAJORS.length);
        return [index, 'linus'];
      },
      'verdict by --attest': async () => {
        const image = await shop.copyWith(imageAt('base'), 'attested', ['.custody']);
        const as = ['--as', repositoryOf(imageAt('base')), '--policy', shop.policy];
        await shop.ok('verify', image, ...as, '--attest', 'gate.key');
        return [image, 'gate'];
      },
    };
    /** Everything that any cosign prints about linus's signatures of an image. */
    const signaturesOf = async (image: string): Promise<readonly string[]> => {
      const outcomes: string[] = [];
      for (const major of MAJORS)
        outcomes.push((await cosignVerify(shop.scratch, major, 'bundle', 'linus.pub', image)).stdout);
      return outcomes.filter(text => text !== '');
    };
    const ask = (verb: Verb, major: CosignMajor, key: string, image: string): Promise<Outcome> => {
      if (verb === 'verify') return cosignVerify(shop.scratch, major, 'bundle', `${key}.pub`, image);
      const [, ...flags] = cosignVerifyArgs(shop.scratch, major, 'bundle');
      return cosign(shop.scratch, major, [verb, ...flags, '--key', `${key}.pub`, '--type', SUMMARY, image]);
    };

    it.each(STATEMENTS)('%s', async statement => {
      const [image, key] = await carriers[statement]();
      for (const major of MAJORS) {
        for (const verb of VERBS) {
          const asked = await ask(verb, major, key, image);
          record(asked, expectedOfStatement(statement, verb), statement, major, verb);
        }
      }
      // In the old format there is nothing either.
      expect(await listTags(repositoryOf(image))).not.toContain(attachedTo(image, '.sig').split(':').at(-1));
    });
  });

  it.each(COPIES)('a copy by $by', async ({ by, tool, suffixes = [], ...expected }) => {
    const image = imageAt('app');
    const path = `by-${COPIES.findIndex(copying => copying.by === by)}`;
    const target = `${shop.registry.host}/copies/${path}:v1`;
    if (tool === undefined) await shop.copyWith(image, path, suffixes);
    else if (tool === 'touchmark') await shop.ok('copy', image, target);
    else {
      const copied = await cosign(shop.scratch, tool === 'cosign 2' ? 2 : 3, ['copy', image, target]);
      expect(copied.code, describeOutcome(copied)).toBe(0);
    }
    const there = `${repositoryOf(target)}@${digestOf(image)}`;
    if (tool?.startsWith('cosign'))
      expect((await fetchManifest(attachedTo(there))).digest).toBe(digestOf(image));
    for (const major of MAJORS) {
      const carrier = suffixes.includes('') ? 'bundle' : 'simplesigning';
      const asked = await cosignVerify(shop.scratch, major, carrier, 'ben.pub', there);
      record(asked, expected.cosign, by, major);
    }
    const answer = await shop.verify(there, '--policy', shop.policy, '--as', repositoryOf(image));
    expect(answer.code ?? 'yes').toBe(expected.custody);
    answers.set(answerKey(by, 'touchmark'), answer.ok ? 'yes' : `no: ${answer.code}`);
  });

  it('is written down in CUSTODY-TABLE.md', () => {
    const versions = `cosign ${PEERS.cosign2.version} and ${PEERS.cosign3.version}`;
    const table = renderCustodyTable(answers, versions);
    if (process.env['TOUCHMARK_UPDATE_TABLE']) writeFileSync(TABLE, table);
    expect(readFileSync(TABLE, 'utf8')).toBe(table);
  });
});

const CUSTODY_TYPE = 'application/vnd.touchmark.custody.chain.v1+json';
const EMPTY_INDEX = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [],
} as const;

function filters({ team, step }: Mark, question: Question): readonly string[] {
  if (question === 'any') return [];
  return ['-a', `custody.team=${question === 'its team' ? team : 'another'}`, '-a', `custody.step=${step}`];
}
