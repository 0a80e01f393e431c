import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createCredentialStore } from '../../../src/oci/http/credentials.js';
import { cleanup, failureOf } from './support.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'credentials-'));
  cleanup(() => rmSync(home, { recursive: true }));
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

function file(path: string, content: unknown): string {
  const full = join(home, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
  return full;
}

/** A credential helper on the test's own PATH. */
function helper(name: string, script: string): void {
  chmodSync(file(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`), 0o755);
}

const find = (
  registry: string,
  path = 'team/app',
  environment: Record<string, string> = {},
  helperTime = 20_000,
) =>
  createCredentialStore({
    environment: { HOME: home, PATH: `${join(home, 'bin')}:/usr/bin:/bin`, ...environment },
    helperTime,
  }).find(registry, path);

const docker = (content: unknown) => file('.docker/config.json', content);

describe('files', () => {
  it('give user and password, split at the first colon', async () => {
    const name = docker({ auths: { 'r.example': { auth: base64('ada:pass:word\0\0') } } });
    expect(await find('r.example')).toEqual({
      source: {
        kind: 'password',
        description: `the entry r.example of ${name}`,
        file: name,
        entry: 'r.example',
      },
      secret: { username: 'ada', password: 'pass:word' },
    });
  });

  it('give username and password, identity tokens and registry tokens', async () => {
    docker({
      auths: {
        'a.example': { username: 'u', password: 'p' },
        'b.example': { auth: base64('u:p').replace(/=+$/, ''), identitytoken: 't' },
        'c.example': { registrytoken: 't' },
        'd.example': {},
      },
    });
    expect((await find('a.example')).secret).toEqual({ username: 'u', password: 'p' });
    expect((await find('b.example')).source.kind).toBe('identity-token');
    expect((await find('c.example')).source.kind).toBe('bearer-token');
    expect((await find('d.example')).source.kind).toBe('anonymous');
  });

  it('match hosts exactly, as a URL or not, never by suffix', async () => {
    docker({
      auths: { 'https://r.example/v1/': { auth: base64('u:p') }, 'R2.example': { auth: base64('u:q') } },
    });
    expect((await find('r.example')).secret?.password).toBe('p');
    expect((await find('r2.example')).secret?.password).toBe('q');
    for (const other of ['evil-r.example', 'r.example:5000', 'r.example.evil', 'example']) {
      expect((await find(other)).secret).toBeUndefined();
    }
  });

  it.each(['https://index.docker.io/v1/', 'index.docker.io', 'docker.io', 'registry-1.docker.io'])(
    'know Docker Hub as %s',
    async key => {
      docker({ auths: { [key]: { auth: base64('u:p') } } });
      expect((await find('docker.io', 'library/alpine')).secret?.username).toBe('u');
    },
  );

  it('prefer the key of the nearest namespace', async () => {
    docker({
      auths: {
        'r.example': { auth: base64('host:p') },
        'r.example/team': { auth: base64('team:p') },
        'r.example/team/app': { auth: base64('app:p') },
      },
    });
    expect((await find('r.example', 'team/app')).secret?.username).toBe('app');
    expect((await find('r.example', 'team/other')).secret?.username).toBe('team');
    expect((await find('r.example', 'teams/app')).secret?.username).toBe('host');
  });

  it('are searched in order: REGISTRY_AUTH_FILE alone, DOCKER_AUTH_CONFIG, DOCKER_CONFIG or HOME, podman', async () => {
    const only = file('only.json', { auths: { 'r.example': { auth: base64('only:p') } } });
    docker({
      auths: { 'r.example': { auth: base64('docker:p') }, 'd.example': { auth: base64('docker:p') } },
    });
    file('other/config.json', { auths: { 'r.example': { auth: base64('moved:p') } } });
    file('.config/containers/auth.json', { auths: { 'p.example': { auth: base64('podman:p') } } });
    const user = async (registry: string, environment = {}) =>
      (await find(registry, 'a', environment)).secret?.username;
    expect(await user('r.example', { REGISTRY_AUTH_FILE: only })).toBe('only');
    expect(await user('d.example', { REGISTRY_AUTH_FILE: only })).toBeUndefined();
    expect(await user('d.example')).toBe('docker');
    expect(await user('p.example')).toBe('podman');
    expect(await user('r.example', { DOCKER_CONFIG: join(home, 'other') })).toBe('moved');
    const inline = JSON.stringify({ auths: { 'r.example': { auth: base64('inline:p') } } });
    expect(await user('r.example', { DOCKER_AUTH_CONFIG: inline })).toBe('inline');
  });

  it('say where was looked when there is nothing', async () => {
    const { source } = await find('r.example');
    expect(source.kind).toBe('anonymous');
    expect(source.description).toContain(join(home, '.docker/config.json'));
  });

  it.each([
    ['{', '{}'],
    [{ auths: [] }, { auths: {} }],
    [{ auths: { 'r.example': { auth: '%' } } }, { auths: { 'r.example': { auth: base64('u:secret') } } }],
    [
      { auths: { 'r.example': { auth: base64('secret') } } },
      { auths: { 'r.example': { auth: base64('u:secret') } } },
    ],
  ])('%j is refused without showing it, %j is not', async (bad, good) => {
    docker(bad);
    const error = await failureOf(find('r.example'));
    expect(error.code).toBe('oci-credentials');
    expect(error.message).not.toContain('secret');
    expect(error.message).not.toContain(base64('secret'));
    docker(good);
    await find('r.example');
  });
});

describe('helpers', () => {
  const store = () => docker({ credsStore: 'test' });

  it('are asked for the host, by credHelpers before credsStore before auths', async () => {
    const name = docker({
      credHelpers: { 'r.example': 'special' },
      credsStore: 'test',
      auths: { 'r.example': { auth: base64('file:p') } },
    });
    helper('special', 'read server; echo "{\\"Username\\":\\"special\\",\\"Secret\\":\\"$1 $server\\"}"');
    helper('test', 'read server; echo "{\\"Username\\":\\"store\\",\\"Secret\\":\\"$1 $server\\"}"');
    expect(await find('r.example')).toEqual({
      source: {
        kind: 'password',
        description: `docker-credential-special, named by ${name}`,
        file: name,
        helper: 'docker-credential-special',
        entry: 'r.example',
      },
      secret: { username: 'special', password: 'get r.example' },
    });
    expect((await find('other.example')).secret).toEqual({
      username: 'store',
      password: 'get other.example',
    });
    expect((await find('docker.io', 'library/a')).secret?.password).toBe('get https://index.docker.io/v1/');
  });

  it('give identity tokens under the name <token>', async () => {
    store();
    helper('test', 'echo \'{"Username":"<token>","Secret":"abc"}\'');
    expect(await find('r.example')).toMatchObject({
      source: { kind: 'identity-token' },
      secret: { identityToken: 'abc' },
    });
  });

  it.each([
    "echo 'credentials not found in native keychain'; exit 1",
    'echo \'{"Username":"","Secret":""}\'',
  ])('that know nothing leave the request anonymous: %s', async script => {
    store();
    helper('test', script);
    expect((await find('r.example')).source.kind).toBe('anonymous');
  });

  it.each([
    ["echo 'no credentials server URL'; exit 1"],
    ['echo boom; exit 3'],
    ['echo not json'],
    ['echo \'{"Username":1,"Secret":"s"}\''],
    ['head -c 100000 /dev/zero'],
  ])('that fail are reported: %s', async script => {
    store();
    helper('test', script);
    const error = await failureOf(find('r.example'));
    expect(error.code).toBe('oci-credentials');
    helper('test', 'echo \'{"Username":"u","Secret":"s"}\'');
    expect((await find('r.example')).secret).toEqual({ username: 'u', password: 's' });
  });

  it('that are not installed are reported by name', async () => {
    store();
    expect(await failureOf(find('r.example'))).toMatchObject({
      code: 'oci-credentials',
      message: expect.stringContaining('docker-credential-test'),
    });
  });

  it('that hang are ended', async () => {
    store();
    helper('test', 'exec sleep 600');
    expect(await failureOf(find('r.example', 'a', {}, 100))).toMatchObject({
      code: 'oci-credentials',
      message: expect.stringContaining('did not answer'),
    });
  });

  it.each(['../evil', 'a b', 'a;b', ''])('with the name %j are not started', async name => {
    docker({ credHelpers: { 'r.example': name } });
    expect((await failureOf(find('r.example'))).code).toBe('oci-credentials');
    docker({ credHelpers: { 'r.example': 'fine.name_1-2' } });
    helper('fine.name_1-2', 'echo \'{"Username":"u","Secret":"s"}\'');
    expect((await find('r.example')).secret?.username).toBe('u');
  });

  it('are started once for many repositories of a host', async () => {
    store();
    helper('test', `echo x >> ${join(home, 'calls')}; echo '{"Username":"u","Secret":"s"}'`);
    const credentials = createCredentialStore({
      environment: { HOME: home, PATH: `${join(home, 'bin')}:/usr/bin:/bin` },
      helperTime: 20_000,
    });
    await Promise.all(['a', 'b', 'c'].map(path => credentials.find('r.example', path)));
    const { readFileSync } = await import('node:fs');
    expect(readFileSync(join(home, 'calls'), 'utf8')).toBe('x\n');
  });
});
