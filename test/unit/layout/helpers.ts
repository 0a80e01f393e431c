import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { ReasonCode } from '../../../src/base/codes.js';
import { type Digest, digestAlgorithm, digestHex } from '../../../src/base/digest.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import { openLayoutStore } from '../../../src/oci/layout/index.js';
import { type RawManifest, serializeManifest } from '../../../src/oci/manifest.js';
import { buildImage, pushImage, type TestImage } from '../../../src/testing/index.js';

/** A folder that goes when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'touchmark-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const image = buildImage({ layers: [{ 'etc/motd': 'hello\n' }, { app: 'x'.repeat(5000) }] });
export const other = buildImage({ layers: [{ 'etc/motd': 'other\n' }] });

export async function layoutWith(
  images: Record<string, TestImage>,
  folder = join(temporaryFolder(), 'layout'),
) {
  const store = await openLayoutStore({ location: folder });
  for (const [tag, what] of Object.entries(images)) await pushImage(store, what, tag);
  await store.commit();
  return { folder, store };
}

/** An artifact about `subject`; distinct for each n. */
export function referrerOf(subject: TestImage, n: number) {
  return serializeManifest({
    config: subject.layers[0]!.descriptor,
    layers: [],
    subject: subject.manifest.descriptor,
    artifactType: 'application/vnd.test',
    annotations: { n: String(n) },
  });
}

export function blobPath(folder: string, digest: Digest): string {
  return join(folder, 'blobs', digestAlgorithm(digest), digestHex(digest));
}

export async function flipByte(path: string, at = 10): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

export async function editIndex(folder: string, edit: (text: string) => string): Promise<void> {
  const path = join(folder, 'index.json');
  await writeFile(path, edit(await readFile(path, 'utf8')));
}

export async function expectCode(work: Promise<unknown>, code: ReasonCode): Promise<TouchmarkError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TouchmarkError);
  expect((error as TouchmarkError).code).toBe(code);
  return error as TouchmarkError;
}

export async function drain(source: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of source) size += chunk.length;
  return size;
}

export function expectManifest(actual: RawManifest | undefined, expected: RawManifest): void {
  expect(actual?.descriptor).toEqual(expected.descriptor);
  expect(Buffer.from(actual?.bytes ?? []).equals(expected.bytes)).toBe(true);
}
