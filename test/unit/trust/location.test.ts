import { describe, expect, it } from 'vitest';
import { formatTrustLocation, isLocal, parseTrustLocation } from '../../../src/trust/location.js';
import { codeOf } from '../support.js';

describe('places of a TUF repository', () => {
  it.each([
    ['https://tuf.example/a', 'https://tuf.example/a/', false],
    ['https://TUF.example:443/a/', 'https://tuf.example/a/', false],
    ['oci://registry.example/team/trust', 'oci://registry.example/team/trust:latest', false],
    ['oci://localhost:5000/trust:stable', 'oci://localhost:5000/trust:stable', false],
    ['oci:/srv/layout:v1', 'oci:/srv/layout:v1', true],
    ['file:///srv/tuf', '/srv/tuf', true],
    ['/srv/tuf', '/srv/tuf', true],
  ])('%s is one text: %s', (text, formatted, local) => {
    const location = parseTrustLocation(text);
    expect(formatTrustLocation(location)).toBe(formatted);
    expect(isLocal(location)).toBe(local);
  });

  it.each([
    '',
    'https://user:secret@tuf.example/',
    'https://tuf.example/?sig=1',
    'https://',
    'ftp://tuf.example/',
    'file://elsewhere/srv',
  ])('%s is none', text => {
    expect(codeOf(() => parseTrustLocation(text))).toBe('usage-argument');
  });

  it('shows no password', () => {
    expect(() => parseTrustLocation('https://user:secret@tuf.example/')).toThrow(/^(?!.*secret)/);
  });

  it('says what is wrong with a registry reference', () => {
    expect(codeOf(() => parseTrustLocation('oci://registry.example/Upper'))).toBe('usage-reference');
    expect(codeOf(() => parseTrustLocation('oci://oci:/srv/layout'))).toBe('usage-argument');
  });
});
