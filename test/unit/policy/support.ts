import { utf8 } from '../../../src/base/bytes.js';
import { TouchmarkError } from '../../../src/base/errors.js';
import { generateKey } from '../../../src/crypto/index.js';
import type { PublicKey } from '../../../src/crypto/keys.js';
import {
  type DocumentFormat,
  type LoadedPolicy,
  loadKeys,
  type ParsedPolicy,
  parsePolicy,
} from '../../../src/policy/index.js';

/** A sound policy of three teams; each test spoils one line of it. */
export const SHOP = `custody: 1
name: shop
version: 7
expires: 2027-03-01T00:00:00Z
scope:
  repositories: ["registry.example.com/shop/*"]
  relocations:
    - { from: "registry.dev.example.com/shop/*", to: "registry.example.com/shop/*", via: promote }
teams:
  base:
    signers:
      linus: { keys: ["base.pub"] }
      grace: { keys: ["grace.pub"] }
  app-shop: { signers: { ada: { keys: ["env://ADA"] }, alan: { keys: ["alan.pub"] } } }
  security: { signers: { hopper: { keys: ["hopper.pub"] }, joan: { keys: ["joan.pub"] } } }
  release: { signers: { dennis: { keys: ["dennis.pub"] }, ken: { keys: ["ken.pub"] } } }
marks: { index: off, time: claimed, skew: 5m, carriers: [bundle, simplesigning] }
evidence: blobs
identity: manifest
flow:
  - { step: upstream, team: base, kinds: [adopt], count: [0, 1], threshold: 2, maxAge: 60d, upstream: ["docker.io/library/debian"] }
  - { step: base, team: base, kinds: [add], count: [1, 1], threshold: 2, maxAge: 60d }
  - { step: app, team: "app-*", kinds: [add, config], threshold: 1, maxAge: 12h }
approvals:
  - { name: scan, team: security, threshold: 1, maxAge: 7d, evidence: [{ type: scan-report }] }
  - { name: promote, team: release, threshold: 2, maxAge: 7d, after: [scan] }
  - { name: base-qa, team: security, on: base, threshold: 1, maxAge: 30d }
distinctSigners: true
kinds: { squash: deny }
config:
  app:
    allow: ["Env:APP_*", "Cmd", "Labels:*"]
    deny: ["User=root", "Env:LD_*"]
`;

/** A document with one passage replaced; the passage must be there once. */
export function edit(from: string, to: string, document = SHOP): string {
  const [before, after, ...more] = document.split(from);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`not there once: ${from}`);
  return before + to + after;
}

export function parse(text: string, format: DocumentFormat = 'yaml'): ParsedPolicy {
  return parsePolicy(utf8(text), `shop.${format}`, format);
}

/** Loads a policy with one new key for each entry of `keys`; `shared` maps an entry to another whose key it gets. */
export function load(text: string, shared: Readonly<Record<string, string>> = {}): Promise<LoadedPolicy> {
  const made = new Map<string, PublicKey>();
  return loadKeys(parse(text), async entry => {
    const name = shared[entry] ?? entry;
    const key = made.get(name) ?? (await generateKey('ed25519')).publicKey;
    made.set(name, key);
    return key;
  });
}

/** The error that refusing a document gives; undefined when the document is accepted. */
export function refusalOf(work: () => unknown): TouchmarkError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof TouchmarkError) return error;
    throw error;
  }
}
