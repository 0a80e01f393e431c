export { openDockerArchiveStore } from './docker-archive.js';
export { openOciArchiveStore } from './oci-archive.js';
