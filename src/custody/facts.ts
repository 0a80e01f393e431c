import type { Standing } from './fact-table.js';

/** What is known of one image, as plain data; fact-table.ts says what each of it rests on. */
export interface ImageFacts {
  readonly repository: string;
  readonly digest: string;
  readonly tag: string;
  readonly identity: string;
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
  readonly user: UserFact;
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly workingDirectory: string;
  readonly stopSignal: string;
  readonly shell: readonly string[];
  readonly healthcheck: readonly string[];
  readonly onBuild: readonly string[];
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly base: { readonly name?: string; readonly digest?: string };
  readonly created: CreatedFact;
  readonly history: { readonly entries: number; readonly layers: number };
  /** Absent when the config of a step is not at hand: then nobody can say. */
  readonly setBy?: Readonly<Record<string, string>>;
  readonly layers: readonly LayerFacts[];
  readonly chain: readonly LinkFacts[];
  readonly approvals: readonly ApprovalFacts[];
  readonly release: { readonly name?: string; readonly role?: string };
  readonly channels: readonly { readonly channel: string; readonly step: string; readonly behind: number }[];
}

export interface UserFact {
  /** As it is written, without a group. */
  readonly name: string;
  /** Absent where it is a name, which only the image itself could turn into a number. */
  readonly id?: number;
  readonly group?: string;
  readonly root: boolean;
}

export interface CreatedFact {
  readonly time?: string;
  /** Whole seconds; absent where the time cannot be read. */
  readonly age?: number;
}

export interface LayerFacts {
  readonly index: number;
  readonly team: string;
  readonly step: string;
  readonly adopted: boolean;
  readonly evidence: string;
  /** Bytes as stored. */
  readonly size: number;
  readonly digest: string;
  readonly diffID: string;
  readonly mediaType: string;
}

export interface LinkFacts {
  readonly team: string;
  readonly step: string;
  readonly kind: string;
  readonly signers: readonly string[];
  readonly time: string;
  /** Whole seconds. */
  readonly age: number;
  /** How many the step added. */
  readonly layers: number;
  readonly repository: string;
  readonly manifest: string;
}

export interface ApprovalFacts {
  /** The rule that it satisfies. */
  readonly name: string;
  readonly team: string;
  readonly signers: readonly string[];
  readonly time: string;
  readonly age: number;
  /** Types. */
  readonly evidence: readonly string[];
}

/** What a fact rests on: without a chain that holds, on nothing but what somebody wrote. */
export function standingOf(described: Standing, holds: boolean): Standing {
  return holds ? described : 'asserted';
}
