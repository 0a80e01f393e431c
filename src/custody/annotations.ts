import { sameRepository } from '../oci/reference.js';
import { type Finding, warning } from './finding.js';
import type { Image } from './image.js';
import type { Link } from './walk.js';

const BASE_DIGEST = 'org.opencontainers.image.base.digest';
const BASE_NAME = 'org.opencontainers.image.base.name';

/**
 * Labels and annotations that name a base are what other tools go by. They decide nothing here; when the chain knows of no
 * such base, somebody is led astray.
 */
export function checkBaseAnnotations(links: readonly Link[], image: Image): readonly Finding[] {
  const inputs = links.flatMap(({ claim }) => claim.inputs ?? []);
  const digests: readonly (string | undefined)[] = [
    ...links.flatMap(({ claim }) => [claim.base?.manifest, claim.base?.index]),
    ...inputs.map(({ manifest }) => manifest),
  ];
  const names = [
    ...links.slice(0, -1).map(({ claim }) => claim.repo),
    ...inputs.flatMap(({ ref }) => ref ?? []),
  ];
  const sources = [
    { what: 'annotation', map: image.manifest.annotations },
    { what: 'label', map: image.config.labels },
  ];
  return sources.flatMap(({ what, map }) => {
    const findings: Finding[] = [];
    const stated = (key: string) => (Object.hasOwn(map, key) ? map[key] : undefined);
    const [digest, name] = [stated(BASE_DIGEST), stated(BASE_NAME)];
    if (digest && !digests.includes(digest)) findings.push(mismatch(what, BASE_DIGEST, digest));
    if (name && !names.some(known => sameRepository(known, name)))
      findings.push(mismatch(what, BASE_NAME, name));
    return findings;
  });
}

function mismatch(what: string, key: string, value: string): Finding {
  const message = `the ${what} ${key} says ${JSON.stringify(value.slice(0, 200))}; the chain knows of no such base`;
  return warning('annotation-mismatch', 'image', message);
}
