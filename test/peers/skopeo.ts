import { type Outcome, run, runOk } from './command.js';
import { PEERS } from './peer-list.js';
import type { Scratch } from './scratch.js';

const INSECURE_COPY = ['--src-tls-verify=false', '--dest-tls-verify=false'];

/** Copies an image with skopeo: `docker://`, `oci:`, `oci-archive:` and `docker-archive:` names. */
export async function skopeoCopy(
  scratch: Pick<Scratch, 'env'>,
  source: string,
  destination: string,
  options: readonly string[] = [],
): Promise<void> {
  await runOk(PEERS.skopeo.path, ['copy', '--quiet', ...INSECURE_COPY, ...options, source, destination], {
    env: scratch.env,
  });
}

/** The raw bytes of a manifest as skopeo sees them, read from any transport. */
export async function skopeoManifest(scratch: Pick<Scratch, 'env'>, image: string): Promise<string> {
  const tls = image.startsWith('docker://') ? ['--tls-verify=false'] : [];
  const { stdout } = await runOk(PEERS.skopeo.path, ['inspect', '--raw', ...tls, image], {
    env: scratch.env,
  });
  return stdout;
}

/** Runs any skopeo command, whatever it exits with. */
export function skopeo(scratch: Pick<Scratch, 'env'>, args: readonly string[]): Promise<Outcome> {
  return run(PEERS.skopeo.path, args, { env: scratch.env });
}
