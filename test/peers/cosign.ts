import { existsSync, writeFileSync } from 'node:fs';
import { describeOutcome, type Outcome, run } from './command.js';
import { PEERS } from './peer-list.js';
import type { Scratch } from './scratch.js';

export type CosignMajor = 2 | 3;
export type Carrier = 'simplesigning' | 'bundle';

/** No transparency log, no timestamps: what `cosign signing-config create` and `cosign trusted-root create` write without services. */
const NO_SERVICES = {
  'signing-config.json':
    '{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}',
  'trusted-root.json': '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}',
} as const;

function noServices(scratch: Scratch, name: keyof typeof NO_SERVICES): string {
  const file = scratch.file(name);
  if (!existsSync(file)) writeFileSync(file, NO_SERVICES[name]);
  return file;
}

/** Runs cosign with any arguments. */
export function cosign(
  scratch: Scratch,
  major: CosignMajor,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  const { path } = PEERS[major === 2 ? 'cosign2' : 'cosign3'];
  return run(path, args, { cwd: scratch.path, env: { ...scratch.env, ...env } });
}

/** The arguments of `cosign sign` without a transparency log, in either format. */
export function cosignSignArgs(scratch: Scratch, major: CosignMajor, carrier: Carrier): readonly string[] {
  if (major === 2) {
    return ['sign', '--yes', '--tlog-upload=false', `--new-bundle-format=${carrier === 'bundle'}`];
  }
  if (carrier === 'simplesigning') {
    return [
      'sign',
      '--yes',
      '--tlog-upload=false',
      '--new-bundle-format=false',
      '--use-signing-config=false',
    ];
  }
  const config = noServices(scratch, 'signing-config.json');
  return [
    'sign',
    '--yes',
    '--signing-config',
    config,
    '--trusted-root',
    noServices(scratch, 'trusted-root.json'),
  ];
}

/** The arguments of `cosign verify` without a transparency log. cosign 3 finds out the format by itself. */
export function cosignVerifyArgs(scratch: Scratch, major: CosignMajor, carrier: Carrier): readonly string[] {
  const args = ['verify', '--insecure-ignore-tlog'];
  if (major === 3) return args;
  // Without a trusted root cosign 2 asks the network for one, also when it needs none.
  return [
    ...args,
    '--trusted-root',
    noServices(scratch, 'trusted-root.json'),
    `--new-bundle-format=${carrier === 'bundle'}`,
  ];
}

export function cosignSign(
  scratch: Scratch,
  major: CosignMajor,
  carrier: Carrier,
  key: string,
  image: string,
  more: readonly string[] = [],
): Promise<Outcome> {
  return cosign(scratch, major, [...cosignSignArgs(scratch, major, carrier), '--key', key, ...more, image]);
}

export function cosignVerify(
  scratch: Scratch,
  major: CosignMajor,
  carrier: Carrier,
  key: string,
  image: string,
  more: readonly string[] = [],
): Promise<Outcome> {
  return cosign(scratch, major, [...cosignVerifyArgs(scratch, major, carrier), '--key', key, ...more, image]);
}

/** Encrypts a private key (PEM) into NAME.key and NAME.pub, as cosign does. */
export async function cosignImportKey(
  scratch: Scratch,
  major: CosignMajor,
  pem: string,
  name: string,
): Promise<void> {
  const outcome = await cosign(scratch, major, [
    'import-key-pair',
    '--key',
    pem,
    '--output-key-prefix',
    name,
    '--yes',
  ]);
  if (outcome.code !== 0) throw new Error(describeOutcome(outcome));
}
