import { installPeers } from './install.js';
import { findFault, type PeerName } from './peer-list.js';

/**
 * Makes sure that a suite's peers are there. On a build machine (`CI=true`) what is missing is installed, and a peer that
 * cannot be had fails the suite. Elsewhere nothing is installed unasked: the suite is to be skipped.
 *
 * @returns why the suite cannot run here; undefined when it can
 */
export async function requirePeers(names: readonly PeerName[]): Promise<string | undefined> {
  const faults: string[] = [];
  for (const name of names) {
    const fault = await findFault(name);
    if (fault) faults.push(fault);
  }
  if (faults.length === 0) return undefined;
  if (process.env['CI'] === 'true') {
    await installPeers(names, line => console.warn(line));
    return undefined;
  }
  const reason = `skipped: ${faults.join(', ')}. To install: node test/peers/install.mjs`;
  console.warn(reason);
  return reason;
}
