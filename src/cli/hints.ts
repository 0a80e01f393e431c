import type { ReasonCode } from '../base/codes.js';
import type { TouchmarkError } from '../base/errors.js';
// Not from the room's front door, which would bring every presenter into every start.
import { fixOf } from '../report/custody-words.js';

/** What helps with a code when the place that found the fault had nothing better to say. */
const FALLBACK: Readonly<Partial<Record<ReasonCode, string>>> = {
  internal: 'this is a bug: please report it with what --debug adds to the same command',
  'sig-none': 'the image is not signed where it was looked for: touchmark tree IMAGE shows what hangs on it',
  'oci-not-found': 'check the name, and that the image has been pushed',
  'oci-digest-mismatch':
    'what came is not what was asked for: do not use it, and tell whoever runs the registry',
  'oci-size-mismatch':
    'what came is not what was asked for: do not use it, and tell whoever runs the registry',
  'net-unreachable': 'check the name of the registry, the network and the proxy; --debug shows each request',
  'net-timeout': 'try again, or give it more time with --timeout',
  'net-tls': 'for a certificate of your own authority: --registry-ca FILE',
  'net-protocol': 'what answered is no registry, or a proxy stands between; --debug shows each request',
  'net-offline': 'leave --offline away, or use an image layout on disk: oci:DIR',
  'net-status': 'check the address; --debug shows each request',
  'oci-unavailable': 'try again later; --debug shows each request',
  'oci-unauthorized':
    'log in with docker login or podman login, or give --registry-username and --registry-password-stdin',
  'io-no-space': 'make room on the disk that is written to, and run the same command again',
  'io-failed': 'check that the file or folder is there and may be read and written',
  'report-invalid':
    'make the report again: the whole of it, as JSON in UTF-8; touchmark help attribute lists the formats',
  'policy-invalid':
    'touchmark help policy explains what a policy holds; touchmark schema custody-policy prints it in full',
  'key-empty': 'get the file again from where it was made: an interrupted copy leaves an empty one',
  'key-too-large': 'a key file has a few kilobytes at most: is it the file that you mean?',
  'key-malformed': 'touchmark key show FILE says what a key file holds',
  'oci-conflict': 'others write at the same time: run the same command again',
};

/** What to do about an error. */
export function hintOf(error: TouchmarkError): string | undefined {
  return error.hint ?? FALLBACK[error.code] ?? fixOf(error);
}
