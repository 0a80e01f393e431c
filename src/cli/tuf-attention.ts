import { formatAge } from '../report/custody-words.js';
import { dirOption, nameHolder } from '../report/tuf-text.js';
import { expiryDaysOf, type Repository, type RepositoryStatus } from '../tuf/repository/index.js';
import { toStandingFacts } from './tuf-facts.js';

/** Something that a person, or the machine that renews, has to do. */
export interface Attention {
  readonly role: string;
  readonly kind: 'expired' | 'expires' | 'unsigned' | 'unpublished';
  readonly message: string;
  readonly hint: string;
}

const DAY = 86_400_000;

/** Is the snapshot past half of its time? A refresh signs it anew then. */
export function dueSnapshot({ snapshot, now }: Repository): boolean {
  return (
    snapshot !== undefined &&
    snapshot.expires.getTime() - now.getTime() < (expiryDaysOf(snapshot.raw) * DAY) / 2
  );
}

/**
 * What needs somebody: roles that have expired or will within the window, and staged roles that lack signatures. Online roles
 * live shorter than any window for people: they need somebody when less than a quarter of their time is left, because the
 * machine should have renewed them.
 * @param within milliseconds
 */
export function findAttention(
  repository: Repository,
  status: RepositoryStatus,
  { within, dir }: { readonly within: number; readonly dir: string },
): readonly Attention[] {
  const now = repository.now.getTime();
  return status.roles.flatMap(({ role, published, staged }): Attention[] => {
    const found: Attention[] = [];
    const isOnline = role === 'snapshot' || role === 'timestamp';
    const hint = isOnline
      ? `touchmark tuf refresh${dirOption(dir)} --key KEY`
      : `touchmark tuf role renew ${role}${dirOption(dir)}`;
    const left = published && published.expires.getTime() - now;
    const raw = role === 'snapshot' ? repository.snapshot?.raw : repository.timestamp?.raw;
    const window = isOnline && raw ? Math.min(within, (expiryDaysOf(raw) * DAY) / 4) : within;
    if (left !== null && left <= 0)
      found.push({
        role,
        kind: 'expired',
        message: `${role} expired ${formatAge(-left / 1000)} ago: readers refuse the repository`,
        hint,
      });
    // What is staged is on its way already.
    else if (left !== null && left <= window && !staged)
      found.push({ role, kind: 'expires', message: `${role} expires in ${formatAge(left / 1000)}`, hint });
    const standing = (staged?.standing ?? []).map(toStandingFacts);
    const waiting = standing.filter(({ enough }) => !enough);
    const asked = new Map(waiting.flatMap(({ missing }) => missing).map(holder => [holder.keyid, holder]));
    if (waiting.length > 0)
      found.push({
        role,
        kind: 'unsigned',
        message: `${role} version ${staged?.version} waits for signatures; asked: ${[...asked.values()].map(nameHolder).join(', ')}`,
        hint: `touchmark tuf sign${dirOption(dir)} --key KEY`,
      });
    else if (staged)
      found.push({
        role,
        kind: 'unpublished',
        message: `${role} version ${staged.version} is signed and waits to be published`,
        hint: `touchmark tuf publish${dirOption(dir)} --key KEY`,
      });
    return found;
  });
}
