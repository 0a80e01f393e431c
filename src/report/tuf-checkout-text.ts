import type { Checkout } from '../trust/checkout.js';
import { countOf } from './custody-words.js';
import { type Line, line } from './lines.js';

const STATES: Readonly<Record<Checkout['state'], string>> = {
  created: 'made',
  updated: 'brought up to date',
  current: 'is up to date',
  ahead: 'is ahead: it has published what the repository does not have yet',
};

/** What a checkout did, for people. */
export function presentCheckout(checkout: Checkout): readonly Line[] {
  const { place, folder, state, versions, roles, staged, setAside, targets } = checkout;
  const ahead = state === 'ahead';
  return [
    line(folder, '  ', { text: STATES[state], style: ahead ? 'yellow' : 'green' }),
    line(`  from ${place}: ${countOf(roles, 'role')}, root ${versions.root}, targets ${versions.targets}, `, {
      text: `timestamp ${versions.timestamp}`,
      style: 'dim',
    }),
    ...(targets.fetched > 0 ? [line(`  ${countOf(targets.fetched, 'target')} fetched`)] : []),
    ...(targets.missing.length > 0
      ? [line(`  the repository does not keep ${shorten(targets.missing)}`)]
      : []),
    ...(staged.length > 0 ? [line(`  staged, and left as it is: ${shorten(staged)}`)] : []),
    ...(setAside.length > 0
      ? [
          line(
            { text: '  set aside', style: 'yellow' },
            ', for somebody else published these versions first:',
          ),
          ...setAside.map(file => line(`    ${file}`)),
        ]
      : []),
    ...(ahead && /^oci/.test(place)
      ? [line(`  publish it: touchmark tuf publish --dir ${folder} ${place}`)]
      : []),
  ];
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
