import { FACTS, type FactName } from '../custody/fact-table.js';
import type { CustodyPolicy } from '../custody/policy.js';
import type { Found } from './lint-finding.js';
import type { LoadedPolicy } from './load.js';
import { predicatesOf } from './predicates.js';

/** What is unwise in rules about the finished image. */
export function lintFinished({ policy, document }: Pick<LoadedPolicy, 'policy' | 'document'>): Found[] {
  const paths = predicatesOf(document).map(({ path }) => path);
  return [
    ...lintMetadata(policy),
    ...(policy.predicates ?? []).flatMap(({ facts }, i): Found[] => {
      const path = paths[i] ?? ['predicate'];
      if (facts.length === 0)
        return [
          {
            code: 'predicate-constant',
            severity: 'warning',
            path,
            message: 'the predicate speaks of no fact: it is the same for every image',
            hint: 'touchmark policy facts IMAGE shows the facts there are',
          },
        ];
      if (facts.some(name => FACTS[name as FactName].standing === 'proven')) return [];
      return [
        {
          code: 'predicate-asserted',
          severity: 'note',
          path,
          message: `the predicate rests on ${facts.join(', ')} alone: whoever builds the image can write what it asks for`,
          hint: 'setBy tells the team that did: setBy["Labels:NAME"] == "TEAM"',
        },
      ];
    }),
  ];
}

/** Rules that whoever may write the config can meet by writing what they ask for. */
function lintMetadata({ metadata, flow, config }: CustodyPolicy): Found[] {
  const rests = [
    ...(metadata?.labels?.require ? (['labels'] as const) : []),
    ...(metadata?.annotations?.require ? (['annotations'] as const) : []),
    ...(['created', 'base'] as const).filter(key => metadata?.[key] !== undefined),
  ];
  const [first] = rests;
  // Labels that only some steps may set are the word of those.
  const isNarrow = flow.every(({ step }) => Object.hasOwn(config, step));
  if (first === undefined || (rests.length === 1 && first === 'labels' && isNarrow)) return [];
  return [
    {
      code: 'metadata-asserted',
      severity: 'note',
      path: ['metadata', first],
      message: `${rests.join(', ')}: the image says so itself, and whoever builds it can write what the rule asks for`,
      hint: 'what is to be proven are steps, their ages and approvals; config says which step may set Labels',
    },
  ];
}
