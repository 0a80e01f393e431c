/**
 * The facts that rules over metadata and predicates see: their names, their types as CEL writes them, and what each of them
 * rests on. From this table come the declarations of predicates, the text of `policy facts` and the page on metadata.
 */

/**
 * What a fact rests on, where the chain holds. `proven`: on hashes and signatures of the chain alone; believing it takes
 * no word of anybody. `asserted`: somebody wrote it there, and that it was written is all that is proven.
 */
export const STANDINGS = ['proven', 'asserted'] as const;
export type Standing = (typeof STANDINGS)[number];

export interface FactDescription {
  readonly type: string;
  readonly standing: Standing;
  /** What it is, and who says so. */
  readonly says: string;
}

/** Objects inside facts, by the names of their types. A member with a question mark may be absent. */
export const FACT_TYPES = {
  User: { name: 'string', 'id?': 'int', 'group?': 'string', root: 'bool' },
  Variable: { name: 'string', value: 'string' },
  Base: { 'name?': 'string', 'digest?': 'string' },
  Created: { 'time?': 'string', 'age?': 'int' },
  History: { entries: 'int', layers: 'int' },
  Layer: {
    index: 'int',
    team: 'string',
    step: 'string',
    adopted: 'bool',
    evidence: 'string',
    size: 'int',
    digest: 'string',
    diffID: 'string',
    mediaType: 'string',
  },
  Link: {
    team: 'string',
    step: 'string',
    kind: 'string',
    signers: 'list<string>',
    time: 'string',
    age: 'int',
    layers: 'int',
    repository: 'string',
    manifest: 'string',
  },
  Approval: {
    name: 'string',
    team: 'string',
    signers: 'list<string>',
    time: 'string',
    age: 'int',
    evidence: 'list<string>',
  },
  Release: { 'name?': 'string', 'role?': 'string' },
  ChannelPlace: { channel: 'string', step: 'string', behind: 'int' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

export type FactType = keyof typeof FACT_TYPES;

export const FACTS = {
  repository: {
    type: 'string',
    standing: 'proven',
    says: 'registry/path; the claims are for it. Empty for an image on disk without --as',
  },
  digest: { type: 'string', standing: 'proven', says: 'of the manifest' },
  tag: {
    type: 'string',
    standing: 'asserted',
    says: 'that was asked for; empty for a digest. The registry says what it leads to, unless release has a name',
  },
  identity: {
    type: 'string',
    standing: 'proven',
    says: 'manifest, or content: another manifest with the config and layers that were marked',
  },
  os: { type: 'string', standing: 'proven', says: 'every claim of the chain is for it' },
  architecture: { type: 'string', standing: 'proven', says: 'every claim of the chain is for it' },
  variant: { type: 'string', standing: 'proven', says: 'of the architecture; empty when there is none' },
  user: {
    type: 'User',
    standing: 'proven',
    says: 'that the image runs as: id when it is a number, root when it is nobody, root or 0',
  },
  environment: { type: 'list<Variable>', standing: 'proven', says: 'in order; a name may stand there twice' },
  entrypoint: { type: 'list<string>', standing: 'proven', says: 'program and arguments' },
  command: {
    type: 'list<string>',
    standing: 'proven',
    says: 'arguments, or the program without an entrypoint',
  },
  workingDirectory: { type: 'string', standing: 'proven', says: 'where the program starts' },
  stopSignal: { type: 'string', standing: 'proven', says: 'what ends it; empty for the default' },
  shell: { type: 'list<string>', standing: 'proven', says: 'Docker’s shell of commands that are one text' },
  healthcheck: { type: 'list<string>', standing: 'proven', says: 'Docker’s test; empty when there is none' },
  onBuild: {
    type: 'list<string>',
    standing: 'proven',
    says: 'Docker’s triggers for images built on this one',
  },
  ports: {
    type: 'list<string>',
    standing: 'proven',
    says: '8080/tcp: those that the image names, which opens none',
  },
  volumes: {
    type: 'list<string>',
    standing: 'proven',
    says: 'paths that are outside of the image when it runs',
  },
  labels: {
    type: 'map<string, string>',
    standing: 'asserted',
    says: 'the team under setBy says so; run, install and uninstall are commands for podman container runlabel',
  },
  annotations: {
    type: 'map<string, string>',
    standing: 'asserted',
    says: 'of the manifest; the team of the last step says so, and with identity content nobody of the chain',
  },
  base: {
    type: 'Base',
    standing: 'asserted',
    says: 'org.opencontainers.image.base.name and .digest of annotations, else labels; the chain says on what it really stands',
  },
  created: {
    type: 'Created',
    standing: 'asserted',
    says: 'by the builder of the last config; age in seconds. Builders that repeat exactly write 1970',
  },
  history: {
    type: 'History',
    standing: 'asserted',
    says: 'entries, and those that speak of a layer; any step may rewrite it',
  },
  setBy: {
    type: 'map<string, string>',
    standing: 'proven',
    says: 'the team that set a key of the config last: User, Env:PATH, Labels:NAME, /created',
  },
  layers: {
    type: 'list<Layer>',
    standing: 'proven',
    says: 'base first: the team that answers for it, how far its bytes were checked, stored size',
  },
  chain: {
    type: 'list<Link>',
    standing: 'proven',
    says: 'base first; time, and age in seconds, are the signers’ word',
  },
  approvals: {
    type: 'list<Approval>',
    standing: 'proven',
    says: 'that hold by the policy; time, age and what the evidence found are the signers’ word',
  },
  release: {
    type: 'Release',
    standing: 'proven',
    says: 'what TUF says that the tag means; no members without TUF, or when nothing is released under it',
  },
  channels: {
    type: 'list<ChannelPlace>',
    standing: 'proven',
    says: 'of TUF that list what a step handed on, and how many releases are newer',
  },
} as const satisfies Readonly<Record<string, FactDescription>>;

export type FactName = keyof typeof FACTS;
export const FACT_NAMES = Object.keys(FACTS) as readonly FactName[];
