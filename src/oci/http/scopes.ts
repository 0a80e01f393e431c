/** Token scopes (`type:name:action,action`), as Docker's token authentication has them. */

export type Action = 'pull' | 'push';

export function repositoryScope(path: string, ...actions: readonly Action[]): string {
  return `repository:${path}:${actions.join(',')}`;
}

/** The repository's path in the first scope that has one: what remembered challenges are filed under. */
export function repositoryOf(scopes: readonly string[]): string {
  return split(scopes[0] ?? '')?.resource.replace(/^repository:/, '') ?? '';
}

function split(scope: string): { resource: string; actions: string[] } | undefined {
  // A name may hold a port: the actions stand behind the last colon, the type before the first.
  const match = /^([a-z]+(?:\([a-z]+\))?:.+):([^:]*)$/.exec(scope);
  return match?.[1] && match[2] !== undefined
    ? { resource: match[1], actions: match[2].split(',').filter(a => a !== '') }
    : undefined;
}

function toMap(scopes: readonly string[]): Map<string, Set<string>> {
  const map = new Map<string, Set<string>>();
  for (const scope of scopes) {
    const parts = split(scope);
    if (!parts) continue;
    const actions = map.get(parts.resource) ?? new Set();
    for (const action of parts.actions) actions.add(action);
    map.set(parts.resource, actions);
  }
  return map;
}

/** The union, one scope a resource, in order of first appearance, actions sorted: registries write them in any order. */
export function mergeScopes(...lists: readonly (readonly string[])[]): string[] {
  return [...toMap(lists.flat())].map(
    ([resource, actions]) => `${resource}:${[...actions].sort().join(',')}`,
  );
}

export function coversScopes(have: readonly string[], want: readonly string[]): boolean {
  const map = toMap(have);
  return [...toMap(want)].every(([resource, actions]) => {
    const granted = map.get(resource);
    return granted !== undefined && (granted.has('*') || [...actions].every(action => granted.has(action)));
  });
}

/** Reads the `scope` of a challenge: scopes separated by spaces. */
export function parseScopes(text: string | undefined): string[] {
  return (text ?? '')
    .split(' ')
    .filter(scope => scope.length <= 1024 && split(scope) !== undefined)
    .slice(0, 16);
}
