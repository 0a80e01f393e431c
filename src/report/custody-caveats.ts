import { type CustodyPolicy, type CustodyVerdict, neededLevel } from '../custody/index.js';

/** What a yes of this policy does not say (CUSTODY.md 1.5), as far as it can be told from this image and this policy. */
export function caveatsOf(verdict: CustodyVerdict, policy: CustodyPolicy): readonly string[] {
  return [
    ...aboutKeys(verdict, policy),
    ...aboutTime(verdict, policy),
    ...aboutContent(verdict, policy),
    ...(verdict.subject.identity === 'content'
      ? ['identity content: the manifest is not the one that was marked; only its config and layers are']
      : []),
    'what is good: the teams stand for their layers, which may still have bugs and vulnerabilities',
    'where a team got its files: what it copied in from elsewhere (COPY --from) is its own',
    'what happens at run time: mounts, volumes, environment and arguments come from whoever starts it',
    'secrecy: whoever can read the image reads everything in it',
  ];
}

function aboutKeys({ chain, approvals }: CustodyVerdict, policy: CustodyPolicy): readonly string[] {
  const thresholds = [
    ...chain.map(({ team, step }) => ({ team, rule: policy.flow.find(rule => rule.step === step) })),
    ...approvals.map(({ team, rule }) => ({
      team,
      rule: policy.approvals.find(({ name }) => name === rule),
    })),
  ];
  const alone = new Set(thresholds.filter(({ rule }) => (rule?.threshold ?? 1) <= 1).map(({ team }) => team));
  const together = policy.distinctSigners
    ? 'two teams that work together can mark what the rules allow either of them'
    : 'one person who signs for two teams: the policy does not ask for distinct signers';
  return [
    ...[...alone].map(
      team => `threshold 1: one stolen key of team ${team} is enough, until the policy drops it`,
    ),
    together,
  ];
}

function aboutTime({ chain }: CustodyVerdict, policy: CustodyPolicy): readonly string[] {
  const ageless = [...new Set(chain.map(({ step }) => step))].filter(
    step => policy.flow.find(rule => rule.step === step)?.maxAge === undefined,
  );
  return [
    'when: times are what the signers say; no time authority stands behind them',
    ...(ageless.length === 0
      ? []
      : [`age of ${ageless.join(', ')}: the policy sets no maxAge, so an old image passes like a new one`]),
    ...(policy.expires === undefined
      ? ['the policy itself: it never expires, so an old copy of it still rules']
      : []),
    'what is kept back: a registry can hide a newer mark or a withdrawal from this check',
  ];
}

function aboutContent({ chain, layers }: CustodyVerdict, policy: CustodyPolicy): readonly string[] {
  const built = [...new Set(chain.filter(({ kind }) => kind !== 'adopt').map(({ step }) => step))];
  const free = built.filter(step => !Object.hasOwn(policy.config, step));
  // Below the first step there is nothing to replace.
  const loose = built.slice(1).filter(step => !Object.hasOwn(policy.paths ?? {}, step));
  const adopted = [...new Set(layers.filter(layer => layer.adopted).map(({ team }) => team))];
  return [
    ...(neededLevel(chain, policy) !== 'content'
      ? ['files: each team may add, replace and delete any file of the layers below its own']
      : loose.length === 0
        ? []
        : [
            `files: ${loose.join(', ')} may add, replace and delete any file that is not sealed; the policy has no rules`,
          ]),
    ...(free.length === 0
      ? []
      : [
          `config: ${free.join(', ')} may set Entrypoint, User, Env and everything else; the policy has no rules`,
        ]),
    ...adopted.map(team => `upstream: team ${team} vouches for layers that it did not build`),
  ];
}
