import { describe, expect, test } from 'vitest';
import { parseDigest } from '../../../src/base/digest.js';
import {
  attachmentTag,
  defaultRepository,
  formatDockerReference,
  formatReference,
  parseReference,
  sameRepository,
} from '../../../src/oci/reference.js';
import { codeOf } from '../support.js';

const hex = 'a'.repeat(64);
const digest = parseDigest(`sha256:${hex}`);

describe('reference', () => {
  test.each([
    ['alpine', 'docker.io/library/alpine', 'latest'],
    ['bob/x:1', 'docker.io/bob/x', '1'],
    ['docker.io/alpine', 'docker.io/library/alpine', 'latest'],
    ['index.docker.io/library/alpine:3', 'docker.io/library/alpine', '3'],
    ['quay.io/x', 'quay.io/x', 'latest'],
    ['foo/bar', 'docker.io/foo/bar', 'latest'],
    ['foo:5000/bar', 'foo:5000/bar', 'latest'],
    ['foo:5000/bar:v1', 'foo:5000/bar', 'v1'],
    ['localhost/bar', 'localhost/bar', 'latest'],
    ['Foo/bar', 'Foo/bar', 'latest'],
    ['a.b', 'docker.io/library/a.b', 'latest'],
    ['[::1]:5000/x/y__z', '[::1]:5000/x/y__z', 'latest'],
  ])('%s is %s', (text, location, tag) => {
    expect(parseReference(text)).toEqual({ transport: 'registry', location, tag });
  });

  test('with a digest, the digest decides and the tag is for display', () => {
    expect(parseReference(`r.example/a:1@${digest}`)).toEqual({
      transport: 'registry',
      location: 'r.example/a',
      tag: '1',
      digest,
    });
    expect(parseReference(`r.example/a@${digest}`)).toEqual({
      transport: 'registry',
      location: 'r.example/a',
      digest,
    });
    expect(formatReference(parseReference(`r.example/a:1@${digest}`))).toBe(`r.example/a@${digest}`);
  });

  test.each([
    ['oci:dir', { transport: 'oci', location: 'dir' }],
    ['oci:./a/b:1.2', { transport: 'oci', location: './a/b', tag: '1.2' }],
    [`oci:/a/b@${digest}`, { transport: 'oci', location: '/a/b', digest }],
    ['oci:C/x:y/z', { transport: 'oci', location: 'C/x:y/z' }],
    ['oci-archive:/t/x.tar:v1', { transport: 'oci-archive', location: '/t/x.tar', tag: 'v1' }],
    ['docker-archive:x.tar', { transport: 'docker-archive', location: 'x.tar' }],
    [
      'docker-archive:x.tar:r.example/a:1',
      { transport: 'docker-archive', location: 'x.tar', tag: 'r.example/a:1' },
    ],
  ])('%s', (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
    expect(formatReference(parseReference(text))).toBe(text);
  });

  test.each([
    '',
    'UPPER/Case:1',
    'r.example/Upper',
    'r.example/a:',
    'r.example/a:-x',
    `r.example/a:${'t'.repeat(129)}`,
    'r.example/a@sha256:abc',
    'r.example/a@sha256:../../x',
    `r.example/a@sha256:${'A'.repeat(64)}`,
    `r.example/a@md5:${hex}`,
    'r.example//a',
    'r.example/a/',
    'r.example/../a',
    'r.example/a b',
    'https://r.example/a',
    hex,
    `r.example/${'a'.repeat(260)}`,
    'oci:',
    'oci:dir:',
    'oci:dir@sha256:../../x',
  ])('refuses %j', text => {
    expect(codeOf(() => parseReference(text))).toBe('usage-reference');
  });

  test('repositories are compared by what they mean', () => {
    expect(sameRepository('alpine', 'index.docker.io/library/alpine')).toBe(true);
    expect(sameRepository('R.example/a', 'r.example/a:1')).toBe(true);
    expect(sameRepository('r.example/a', 'r.example/ab')).toBe(false);
    expect(sameRepository('r.example/a', 'r.example:443/a')).toBe(false);
    expect(sameRepository('', '')).toBe(false);
    expect(sameRepository('oci:x', 'oci:x')).toBe(false);
    expect(formatDockerReference('alpine')).toBe('index.docker.io/library/alpine');
  });

  test('a layout belongs to no repository', () => {
    expect(defaultRepository(parseReference('oci:/tmp/My App:1'))).toBe('localhost/my-app');
    expect(defaultRepository(parseReference('oci-archive:/tmp/app.tar'))).toBe('localhost/app');
    expect(defaultRepository(parseReference('oci:/'))).toBe('localhost/image');
  });

  test('tags for what hangs on a digest', () => {
    expect(attachmentTag(digest, '.sig')).toBe(`sha256-${hex}.sig`);
    expect(attachmentTag(parseDigest(`sha512:${'b'.repeat(128)}`))).toBe(`sha512-${'b'.repeat(64)}`);
  });
});
