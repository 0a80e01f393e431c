import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildImage, type TestImage } from '../../src/testing/image.js';

/** An image of two small layers; another `seed` gives another digest. */
export function smallImage(seed: string): TestImage {
  return buildImage({
    layers: [{ 'etc/os-release': 'NAME=tests\n' }, { 'srv/': '', 'srv/app': `#!/bin/sh\necho ${seed}\n` }],
    config: { config: { Entrypoint: ['/srv/app'] } },
  });
}

/** Writes images into a new OCI layout, each under its tag, with nothing but the file system: not by what is under test. */
export function writeLayout(folder: string, images: Readonly<Record<string, TestImage>>): void {
  const blobs = join(folder, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const write = (digest: string, bytes: Uint8Array): void =>
    writeFileSync(join(blobs, digest.slice('sha256:'.length)), bytes);
  const manifests = Object.entries(images).map(([tag, image]) => {
    for (const [digest, bytes] of image.blobs) write(digest, bytes);
    write(image.manifest.descriptor.digest, image.manifest.bytes);
    return { ...image.manifest.descriptor, annotations: { 'org.opencontainers.image.ref.name': tag } };
  });
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
}
