import type { StoreAccess } from '../oci/open.js';
import { type AuditReport, auditRepository } from '../tuf/audit/index.js';
import type { TrustLocation } from './location.js';
import { chooseSource, openTrustSource } from './source.js';

export interface AuditTrustOptions {
  readonly location: TrustLocation;
  readonly root: Uint8Array;
  readonly now: Date;
  /** Read the content of all targets as well. */
  readonly contents?: boolean;
}

export interface TrustAudit extends AuditReport {
  /** The repository, for people. */
  readonly place: string;
}

/** Audits a repository wherever it is kept; see `auditRepository`. A web server cannot say which files it has. */
export async function auditTrust(access: StoreAccess, options: AuditTrustOptions): Promise<TrustAudit> {
  const { location, ...rest } = options;
  const opened = await openTrustSource(location, access);
  try {
    const source = await chooseSource(opened);
    const { concurrency = 8 } = access.options;
    const list = opened.list && { list: opened.list };
    return { place: opened.name, ...(await auditRepository({ ...rest, ...list, source, concurrency })) };
  } finally {
    await opened.close();
  }
}
