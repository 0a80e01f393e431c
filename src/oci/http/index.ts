/**
 * Images in registries: OCI distribution 1.1 and Docker's registry API over HTTP/1.1.
 *
 * What holds everywhere in this folder:
 * - every byte handed out was hashed here; headers that state a digest are not believed;
 * - credentials go to the registry's own origin and to the token server that it names over TLS, and nowhere else;
 * - "not there" is 404 alone; 401, 403, 5xx, a web page and half an answer are errors;
 * - everything that a server sends is bounded in size, number, time and redirects.
 */
export type { CredentialSource } from './credentials.js';
export { fetchNotaryFile, type NotaryRepository } from './notary-file.js';
export { createRegistrySession, type RegistrySession } from './session.js';
export { openRegistryStore } from './store.js';
export type { Tuning } from './tuning.js';
export { fetchWebFile, type WebFile } from './web-file.js';
export { callWebService, type ServiceAnswer, type ServiceRequest } from './web-service.js';
