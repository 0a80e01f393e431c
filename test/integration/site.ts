import { readFileSync, writeFileSync } from 'node:fs';
import { type DockerRegistry, startDockerRegistry } from '../peers/docker-registry.js';
import { createScratch, type Scratch } from '../peers/scratch.js';
import { skopeoCopy } from '../peers/skopeo.js';
import { smallImage, writeLayout } from '../peers/small-image.js';
import { type TouchmarkOutcome, touchmark, touchmarkOk } from '../peers/touchmark.js';

/** A scratch folder, a registry in it, and keys that touchmark made: what most suites work with. */
export interface Site {
  readonly scratch: Scratch;
  readonly registry: DockerRegistry;
  /** Runs touchmark, whatever it exits with. */
  run(...args: string[]): Promise<TouchmarkOutcome>;
  /** Runs touchmark and expects success. */
  ok(...args: string[]): Promise<TouchmarkOutcome>;
  /** Pushes an image of two small layers that no other call pushes; `seed` and repository decide its digest. */
  publish(repository: string, tag?: string): Promise<Published>;
  close(): Promise<void>;
}

export interface Published {
  /** `localhost:PORT/path`. */
  readonly repository: string;
  readonly tagged: string;
  readonly pinned: string;
  readonly digest: string;
  /** Of the two layers, base first. */
  readonly layers: readonly string[];
  readonly config: string;
}

export async function openSite(
  name: string,
  options: { readonly auth?: boolean; readonly keys?: readonly string[] } = {},
): Promise<Site> {
  const scratch = createScratch(name);
  const registry = await startDockerRegistry(scratch.file('registry'), options);
  const ok = (...args: string[]) => touchmarkOk(scratch, args);
  for (const key of options.keys ?? []) await ok('key', 'generate', key);
  return {
    scratch,
    registry,
    run: (...args) => touchmark(scratch, args),
    ok,
    publish: async (path, tag = 'v1') => {
      const image = smallImage(path);
      const layout = scratch.file(`layout-of-${path.replaceAll('/', '-')}`);
      writeLayout(layout, { [tag]: image });
      const repository = `${registry.host}/${path}`;
      await skopeoCopy(scratch, `oci:${layout}:${tag}`, `docker://${repository}:${tag}`);
      const { digest } = image.manifest.descriptor;
      const { config } = JSON.parse(Buffer.from(image.manifest.bytes).toString());
      return {
        repository,
        digest,
        tagged: `${repository}:${tag}`,
        pinned: `${repository}@${digest}`,
        layers: image.layers.map(layer => layer.descriptor.digest),
        config: config.digest,
      };
    },
    close: async () => {
      await registry.stop();
      scratch.remove();
    },
  };
}

/** What `verify -o json` says about its only image. */
export interface Verdict {
  readonly ok: boolean;
  readonly code: string | null;
  readonly exitCode: number;
  readonly digest: string | null;
  readonly pinned: string | null;
  readonly through: string | null;
  readonly threshold: { readonly required: number; readonly valid: number };
  readonly signatures: readonly {
    readonly carrier: string;
    readonly valid: boolean;
    readonly keyid: string | null;
    readonly code: string | null;
  }[];
}

/** Verifies with `-o json` and checks that the process, the document and the verdict on the image agree. */
export async function verdictOf(site: Site, ...args: string[]): Promise<Verdict> {
  const outcome = await site.run('verify', ...args, '-o', 'json');
  const document = outcome.json() as { ok: boolean; exitCode: number; images: Verdict[] };
  const [verdict] = document.images;
  if (!verdict) throw new Error(`no verdict in ${outcome.stdout}`);
  const codes = [outcome.code, document.exitCode, verdict.exitCode];
  if (new Set(codes).size !== 1) throw new Error(`process, document and image say ${codes.join(', ')}`);
  if (document.ok !== (outcome.code === 0) || verdict.ok !== document.ok)
    throw new Error(`ok does not go with exit code ${outcome.code}: ${outcome.stdout}`);
  return verdict;
}

/** Flips one bit of a file, by default of its last byte. @returns how to undo it */
export function tamper(file: string, at = (bytes: Buffer): number => bytes.length - 1): () => void {
  const before = readFileSync(file);
  const after = Buffer.from(before);
  const position = at(after);
  after.writeUInt8(after.readUInt8(position) ^ 1, position);
  writeFileSync(file, after);
  return () => writeFileSync(file, before);
}
