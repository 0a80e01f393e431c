import { fail } from '../base/errors.js';
import type { Platform } from './descriptor.js';
import { parseManifest, type RawManifest } from './manifest.js';
import type { Store } from './store.js';

const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };
/** The variant that is meant where none is written. */
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { arm64: 'v8', arm: 'v7', amd64: 'v1' };

/**
 * Parses `os/architecture[/variant]`.
 * @throws TouchmarkError `usage-argument`
 */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.split('/');
  if (!os || !architecture || rest.length > 0 || variant === '') {
    return fail('usage-argument', `${JSON.stringify(text)} is not a platform`, {
      hint: 'linux/amd64, linux/arm64/v8',
    });
  }
  return { os, architecture, ...(variant && { variant }) };
}

export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
}

/** Is an image for `offered` what a user who wrote `wanted` means? Absent variants mean the architecture's usual one. */
export function matchesPlatform(offered: Platform, wanted: Platform): boolean {
  const [a, b] = [normalize(offered), normalize(wanted)];
  return a.os === b.os && a.architecture === b.architecture && a.variant === b.variant;
}

function normalize(platform: Platform): { os: string; architecture: string; variant: string } {
  const architecture = ARCHITECTURES[platform.architecture] ?? platform.architecture;
  return { os: platform.os, architecture, variant: platform.variant ?? DEFAULT_VARIANTS[architecture] ?? '' };
}

/**
 * The child of an index for a platform; an image that is no index is returned as it is.
 * @throws TouchmarkError `usage-argument` (not a platform), `oci-not-found` naming the platforms there are
 */
export async function selectPlatform(
  store: Store,
  root: RawManifest,
  platform: string,
): Promise<RawManifest> {
  const wanted = parsePlatform(platform);
  const manifest = parseManifest(root);
  if (manifest.kind === 'image') return root;
  const child = manifest.manifests.find(d => d.platform && matchesPlatform(d.platform, wanted));
  if (!child) {
    const offered = manifest.manifests.flatMap(d => (d.platform ? formatPlatform(d.platform) : []));
    return fail('oci-not-found', `the index holds no image for ${platform}`, {
      details: { platforms: offered },
    });
  }
  const raw = await store.fetchManifest({ digest: child.digest });
  return (
    raw ??
    fail(
      'layer-unavailable',
      `the image for ${platform} (${child.digest}) is listed in the index but not there`,
    )
  );
}
