import { gzipSync } from 'node:zlib';
import { computeDigest, type Digest } from '../../../src/base/digest.js';
import { describe } from '../../../src/oci/descriptor.js';
import { MEDIA_TYPES } from '../../../src/oci/media-types.js';
import { buildImage, buildTar, type TestLayer } from '../../../src/testing/image.js';

/** The image that the reports in test/vectors/reports are about: a system, a runtime and an application of three teams. */

function dpkgStatus(...packages: readonly (readonly [name: string, version: string])[]): string {
  return packages
    .map(
      ([name, version]) =>
        `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\nDescription: ${name}\n`,
    )
    .join('\n');
}

/** Stored blocks: every zlib writes the same bytes, and the digests stand in recorded files. */
function storedLayer(files: Readonly<Record<string, string>>): TestLayer {
  const tar = buildTar(files);
  const bytes = gzipSync(tar, { level: 0 });
  bytes[9] = 255;
  return { descriptor: describe(`${MEDIA_TYPES.ociLayer}+gzip`, bytes), bytes, diffId: computeDigest(tar) };
}

const system = storedLayer({
  'etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
  'var/lib/dpkg/status': dpkgStatus(
    ['libc6', '2.36-9'],
    ['libssl3', '3.0.9-1'],
    ['zlib1g', '1:1.2.13.dfsg-1'],
  ),
  'usr/lib/x86_64-linux-gnu/libssl.so.3': 'ssl 3.0.9',
  'usr/share/doc/libssl3/copyright': 'as is',
});
const runtime = storedLayer({
  'var/lib/dpkg/status': dpkgStatus(
    ['libc6', '2.36-9'],
    ['libssl3', '3.0.11-1~deb12u2'],
    ['zlib1g', '1:1.2.13.dfsg-1'],
    ['nodejs', '18.19.0+dfsg-6'],
  ),
  'usr/lib/x86_64-linux-gnu/libssl.so.3': 'ssl 3.0.11',
  'usr/lib/node_modules/npm/node_modules/ip/package.json': '{"name":"ip","version":"2.0.0"}',
});
const application = storedLayer({
  'var/lib/dpkg/status': dpkgStatus(
    ['libc6', '2.36-9'],
    ['libssl3', '3.0.11-1~deb12u2'],
    ['zlib1g', '1:1.2.13.dfsg-1'],
    ['nodejs', '18.19.0+dfsg-6'],
    ['curl', '7.88.1-10+deb12u5'],
  ),
  'opt/app/node_modules/lodash/package.json': '{"name":"lodash","version":"4.17.20"}',
  'opt/app/.env': 'AWS_ACCESS_KEY_ID=none\n',
});

export const base = buildImage({ layers: [system] });
export const middle = buildImage({ base, layers: [runtime] });
export const scanned = buildImage({ base: middle, layers: [application] });

export const MANIFEST: Digest = scanned.manifest.descriptor.digest;
export const CONFIG: Digest = computeDigest(scanned.config);
export const DIFF_IDS: readonly Digest[] = scanned.layers.map(({ diffId }) => diffId);
export const BLOBS: readonly Digest[] = scanned.layers.map(({ descriptor }) => descriptor.digest);
