export { describe } from '../../../src/oci/descriptor.js';
export { createRegistrySession, openRegistryStore } from '../../../src/oci/http/index.js';
export { parseManifest, serializeManifest } from '../../../src/oci/manifest.js';
