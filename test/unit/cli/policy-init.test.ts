import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TouchmarkError } from '../../../src/base/errors.js';
import { completeWishes } from '../../../src/cli/ask-policy.js';
import { type PolicyWishes, planPolicy } from '../../../src/cli/new-policy.js';
import { gatherTeams } from '../../../src/cli/policy-teams.js';
import { SCHEMAS } from '../../../src/cli/schemas.js';
import type { Terminal } from '../../../src/cli/terminal.js';
import { loadPolicy } from '../../../src/policy/index.js';
import { install } from '../crypto/fixtures.js';
import { refusalOf } from '../policy/support.js';
import { runCli, temporaryFolder } from './run-cli.js';

const NOW = new Date('2026-11-20T12:00:00Z');
/** Three public keys that differ. */
const KEYS = ['touchmark/ecdsa-p256.pub', 'touchmark/ed25519.pub', 'touchmark/ecdsa-p384.pub'] as const;
const TEAMS = ['base', 'runtime', 'app'] as const;

/** A folder with keys/base.pub, keys/runtime.pub, keys/app.pub and a private keys/base.key. */
function folderWithKeys(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'keys'));
  for (const [i, team] of TEAMS.entries()) install(KEYS[i] ?? '', join(folder, 'keys'), 0o644, `${team}.pub`);
  install('touchmark/ecdsa-p256.key', join(folder, 'keys'), 0o600, 'base.key');
  return folder;
}

const REPOSITORY = ['--repository', 'registry.example/*'];
const THREE_TEAMS = [...REPOSITORY, ...TEAMS.flatMap(team => ['--team', `${team}=keys/${team}.pub`])];
const init = (cwd: string, ...argv: string[]) => runCli(['policy', 'init', ...argv], { cwd });

describe('policy init', () => {
  it('writes the keys themselves when asked to, and the file needs no other', async () => {
    const cwd = folderWithKeys();
    const { exitCode, stderr } = await init(cwd, 'shop.yaml', ...THREE_TEAMS, '--inline-keys');
    expect(exitCode, stderr).toBe(0);
    const document = readFileSync(join(cwd, 'shop.yaml'), 'utf8');
    expect(document).not.toContain('.pub');
    const alone = join(temporaryFolder(), 'shop.yaml');
    writeFileSync(alone, document);
    const { policy } = await loadPolicy(alone);
    const { exitCode: other } = await init(cwd, 'paths.yaml', ...THREE_TEAMS, '--name', 'shop');
    expect(other).toBe(0);
    expect(policy.teams).toEqual((await loadPolicy(join(cwd, 'paths.yaml'))).policy.teams);
  });

  it('writes the three teams with one command: it loads, and names keys as seen from the file', async () => {
    const cwd = folderWithKeys();
    mkdirSync(join(cwd, 'policies'));
    const { exitCode, stdout, stderr } = await init(cwd, 'policies/shop.yaml', ...THREE_TEAMS);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain('policies/shop.yaml: written: shop version 1, 3 teams, expires ');
    expect(stdout).toMatch(/policies\/shop\.yaml:\d+:5: warning first-step-one-signer: /);
    const file = join(cwd, 'policies', 'shop.yaml');
    expect(readFileSync(file, 'utf8')).toContain('base: { keys: ["../keys/base.pub"] }');
    const { policy } = await loadPolicy(file);
    expect(policy.flow.map(({ step, team, threshold }) => [step, team, threshold])).toEqual(
      TEAMS.map(team => [team, team, 1]),
    );
    expect((await runCli(['policy', 'check', file], { cwd })).exitCode).toBe(0);
  });

  it('says the same in JSON, with what it found', async () => {
    const cwd = folderWithKeys();
    const { stdout, exitCode } = await init(cwd, 'p.yaml', ...THREE_TEAMS, '-o', 'json');
    expect(exitCode).toBe(0);
    const document = SCHEMAS['policy-init'].parse(JSON.parse(stdout));
    expect(document).toMatchObject({ ok: true, dryRun: false, file: 'p.yaml', policy: { name: 'p' } });
    expect(document.document).toBe(readFileSync(join(cwd, 'p.yaml'), 'utf8'));
    expect(document.findings.map(({ code }) => code)).toContain('first-step-one-signer');
    expect(document.policy.digest).toBe((await loadPolicy(join(cwd, 'p.yaml'))).policy.digest);
  });

  it('with --dry-run prints the file, all of it and nothing else, and writes none', async () => {
    const cwd = folderWithKeys();
    const before = readdirSync(cwd);
    const dry = await init(cwd, 'p.yaml', ...THREE_TEAMS, '--dry-run');
    expect(dry.exitCode, dry.stderr).toBe(0);
    expect(dry.stderr).toContain('first-step-one-signer');
    expect(readdirSync(cwd)).toEqual(before);
    writeFileSync(join(cwd, 'q.yaml'), dry.stdout);
    expect((await loadPolicy(join(cwd, 'q.yaml'))).policy.teams).toHaveLength(3);
  });

  it('replaces no file unasked', async () => {
    const cwd = folderWithKeys();
    const file = join(cwd, 'p.yaml');
    writeFileSync(file, 'mine');
    const refused = await init(cwd, 'p.yaml', ...THREE_TEAMS);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('usage-file-exists');
    expect(readFileSync(file, 'utf8')).toBe('mine');
    // A name that leads nowhere is taken as well.
    symlinkSync('elsewhere.yaml', join(cwd, 'link.yaml'));
    expect((await init(cwd, 'link.yaml', ...THREE_TEAMS)).stderr).toContain('usage-file-exists');
    expect((await init(cwd, 'p.yaml', ...THREE_TEAMS, '--yes')).exitCode).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('custody: 1');
    expect(readdirSync(cwd).sort()).toEqual(['keys', 'link.yaml', 'p.yaml']);
  });

  it.each<[string, readonly string[], number, string]>([
    ['nothing and nobody to ask', ['p.yaml'], 2, 'fix +add --repository .* --team base=base.pub'],
    ['no team', ['p.yaml', ...REPOSITORY], 2, 'fix +add --team base=base.pub'],
    ['no folder', ['absent/p.yaml', ...THREE_TEAMS], 2, 'fix +mkdir -p absent'],
    ['a folder as the file', ['keys', ...THREE_TEAMS], 2, 'fix +name a file in it: keys/policy.yaml'],
    ['standard output', ['-', ...THREE_TEAMS], 2, 'fix +--dry-run prints it'],
    ['a name that is read as JSON', ['p.json', ...THREE_TEAMS], 2, 'fix +name it p.yaml'],
    [
      'a private key',
      ['p.yaml', ...REPOSITORY, '--team', 'base=keys/base.key'],
      22,
      'fix +touchmark key export keys/base.key',
    ],
    [
      'a key that is not there',
      ['p.yaml', ...REPOSITORY, '--team', 'base=keys/abse.pub'],
      22,
      'code +key-not-found',
    ],
    [
      'a team that is a path',
      ['p.yaml', ...REPOSITORY, '--team', 'keys/base=keys/base.pub'],
      2,
      '"keys/base" is not a name',
    ],
  ])('writes nothing for %s', async (_, argv, exitCode, said) => {
    const cwd = folderWithKeys();
    const before = readdirSync(cwd, { recursive: true });
    const result = await init(cwd, ...argv);
    expect(result.exitCode).toBe(exitCode);
    expect(result.stdout).toBe('');
    expect(result.stderr).toMatch(new RegExp(said));
    expect(result.stderr).toMatch(/\n {2}fix {2,}\S/);
    expect(readdirSync(cwd, { recursive: true })).toEqual(before);
  });
});

describe('the teams of --team', () => {
  const gather = async (cwd: string, ...words: string[]) => {
    const at = words.map(word => word.replaceAll('@', `${cwd}/keys/`));
    return (await gatherTeams(at, cwd)).map(({ name, signers }) => [
      name,
      ...signers.map(signer => `${signer.name}: ${signer.keys.join(' ')}`),
    ]);
  };
  const hint = (work: Promise<unknown>) =>
    work.then(
      () => 'accepted',
      error => (error instanceof TouchmarkError ? `${error.code}: ${error.hint}` : String(error)),
    );

  it('have a signer for each key, unless one is named', async () => {
    const cwd = folderWithKeys();
    expect(await gather(cwd, 'base=@base.pub, @runtime.pub', 'app=@app.pub')).toEqual([
      ['base', 'base: keys/base.pub', 'runtime: keys/runtime.pub'],
      ['app', 'app: keys/app.pub'],
    ]);
    expect(await gather(cwd, 'base:ada=@base.pub,@runtime.pub', 'base:ben=@app.pub')).toEqual([
      ['base', 'ada: keys/base.pub keys/runtime.pub', 'ben: keys/app.pub'],
    ]);
  });

  it('name no two people alike by accident', async () => {
    const cwd = folderWithKeys();
    mkdirSync(join(cwd, 'keys', 'app'));
    install(KEYS[2], join(cwd, 'keys', 'app'), 0o644, 'base.pub');
    const unnamed = ['base=@base.pub', 'app=@app/base.pub'];
    expect(await hint(gather(cwd, ...unnamed))).toContain('--team NAME:SIGNER=KEY');
    expect(await hint(gather(cwd, 'base=@base.pub,@app/base.pub'))).toContain('--team NAME:SIGNER=KEY');
    // Who names them means one person.
    expect(await gather(cwd, 'base:ada=@base.pub', 'app:ada=@app/base.pub')).toEqual([
      ['base', 'ada: keys/base.pub'],
      ['app', 'ada: keys/app/base.pub'],
    ]);
  });

  it('keep a path a path, whatever the file is called', async () => {
    const cwd = folderWithKeys();
    mkdirSync(join(cwd, 'pkcs11:'));
    install(KEYS[0], join(cwd, 'pkcs11:'), 0o644, 'ada.pub');
    expect((await gatherTeams([`base=${cwd}/pkcs11:/ada.pub`], cwd))[0]?.signers[0]?.keys).toEqual([
      './pkcs11:/ada.pub',
    ]);
  });

  it('repeat nothing of a key that was given instead of its path', async () => {
    const pem = readFileSync(join(folderWithKeys(), 'keys/base.key'), 'utf8');
    const refusal = await gather('/', `base=${pem}`).catch(error => error);
    expect(refusal).toMatchObject({ code: 'usage-argument' });
    expect(JSON.stringify([refusal.message, refusal.hint, refusal.details])).not.toContain('BEGIN');
  });

  it.each([
    ['base', 'for example --team base=ada.pub,ben.pub'],
    ['base=', 'for example --team base=ada.pub,ben.pub'],
    ['=@base.pub', 'the name stands in front'],
    ['base:a:b=@base.pub', 'the name stands in front'],
  ])('are not %s', async (word, said) => {
    expect(await hint(gather(folderWithKeys(), word))).toContain(`usage-argument: ${said}`);
  });
});

const team = (name: string, ...signers: string[]) => ({
  name,
  signers: signers.map(signer => ({ name: signer, keys: [`${signer}.pub`] })),
});
const WISHES: PolicyWishes = {
  name: 'shop',
  repository: ['registry.example/shop/*'],
  teams: [team('base', 'linus', 'grace'), team('app', 'ada'), team('security', 'hopper')],
  threshold: ['base=1'],
  'max-age': ['app=12h', 'scan=3d'],
  approval: ['scan=security'],
  adopt: [],
  'valid-for': '30d',
};

describe('the plan of a policy', () => {
  it('makes steps of teams in their order, and of those that approve approvals', () => {
    expect(planPolicy(WISHES, NOW)).toMatchObject({
      expires: new Date('2026-12-20T12:00:00Z'),
      steps: [
        { step: 'base', team: 'base', threshold: 1 },
        { step: 'app', team: 'app', maxAge: '12h' },
      ],
      approvals: [{ step: 'scan', team: 'security', maxAge: '3d' }],
    });
  });

  it.each<[Partial<PolicyWishes>, string]>([
    [{ name: 'the shop' }, '--name: "the shop" is not a name'],
    [{ repository: ['shop/*'] }, '--repository: "shop/*" begins with "shop", which is no registry'],
    [{ repository: ['registry.example/-/*'] }, '--repository: "registry.example/-/*" matches nothing'],
    [{ adopt: ['debian'] }, '--adopt: "debian" has no path behind the registry'],
    [{ threshold: ['base=0'] }, '--threshold base=0: no number from 1 to 2'],
    [{ threshold: ['base=3'] }, '--threshold base=3: no number from 1 to 2'],
    [{ threshold: ['base=1', 'base=2'] }, '--threshold is given twice for base'],
    [{ threshold: ['security=1'] }, 'there is no building team or approval "security"'],
    [{ 'max-age': ['base=soon'] }, '--max-age base=soon: this is not a time'],
    [{ 'max-age': ['bsae=7d'] }, 'there is no building team or approval "bsae"'],
    [{ 'valid-for': '1y' }, '--valid-for 1y: this is not a time'],
    [{ approval: ['scan'] }, '--approval takes NAME=TEAM'],
    [{ approval: ['scan=sceurity'] }, 'there is no team "sceurity"'],
    [{ approval: ['base=security'] }, 'there is a rule of that name already'],
    [{ approval: ['a=base', 'b=app', 'c=security'] }, 'every team approves'],
  ])('is refused for %j', (change, message) => {
    const refusal = refusalOf(() => planPolicy({ ...WISHES, ...change }, NOW));
    expect(refusal?.code).toBe('usage-argument');
    expect(refusal?.message).toContain(message);
    expect(refusal?.hint).toBeTruthy();
    expect(refusalOf(() => planPolicy(WISHES, NOW))).toBeUndefined();
  });
});

describe('questions', () => {
  /** A person who gives these answers, and no more. */
  function person(...answers: string[]) {
    const asked: string[] = [];
    const terminal: Terminal = {
      async ask(prompt) {
        asked.push(prompt);
        const answer = answers.shift();
        if (answer === undefined) throw new Error(`one question too many: ${prompt}`);
        return answer;
      },
    };
    return { terminal, asked, answers };
  }
  const nothing = { repository: [], team: [] };

  it('are asked for what no flag gave, and again until the answer will do', async () => {
    const cwd = folderWithKeys();
    const { terminal, answers } = person(
      'shop',
      'registry.example/shop/*',
      '',
      'base',
      join(cwd, 'keys/absent.pub'),
      join(cwd, 'keys/base.key'),
      `${cwd}/keys/base.pub,${cwd}/keys/runtime.pub`,
      'app',
      join(cwd, 'keys/app.pub'),
      '',
    );
    const notes: string[] = [];
    const wishes = await completeWishes(nothing, cwd, terminal, note => notes.push(note));
    expect(wishes.repository).toEqual(['registry.example/shop/*']);
    expect(wishes.teams.map(({ name, signers }) => [name, signers.length])).toEqual([
      ['base', 2],
      ['app', 1],
    ]);
    expect(answers).toEqual([]);
    expect(notes).toHaveLength(4);
    expect(notes[3]).toContain('is a private key');
  });

  it('are not asked for what is there', async () => {
    const cwd = folderWithKeys();
    const { terminal, asked } = person();
    const given = { repository: ['registry.example/*'], team: [`base=${cwd}/keys/base.pub`] };
    expect((await completeWishes(given, cwd, terminal, () => {})).teams).toHaveLength(1);
    expect(asked).toEqual([]);
  });
});
