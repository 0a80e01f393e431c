import type { TrustView } from './trust-view.js';

/** What a verification trusted, as machines read it: `trust` of its document. Fields are only ever added. */
export interface TrustReport {
  readonly place: string;
  /** The repository was not asked; what was seen of it last was gone by. */
  readonly offline: boolean;
  /** RFC 3339: when it was last known to have nothing newer. */
  readonly checked: string;
  /** Whole seconds since then. */
  readonly age: number;
  readonly roles: Readonly<Record<'root' | 'timestamp' | 'snapshot' | 'targets', TrustRoleReport>>;
}

export interface TrustRoleReport {
  readonly version: number;
  readonly expires: string;
}

export function reportTrust({ place, status }: Pick<TrustView, 'place' | 'status'>, now: Date): TrustReport {
  const { offline, checked, roles } = status;
  const role = (name: keyof typeof roles): TrustRoleReport => ({
    version: roles[name].version,
    expires: roles[name].expires.toISOString(),
  });
  return {
    place,
    offline,
    checked: checked.toISOString(),
    age: Math.max(0, Math.floor((now.getTime() - checked.getTime()) / 1000)),
    roles: {
      root: role('root'),
      timestamp: role('timestamp'),
      snapshot: role('snapshot'),
      targets: role('targets'),
    },
  };
}
