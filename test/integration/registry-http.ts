/** What suites ask a registry on loopback themselves: what is under test must not be what tells how things lie. */

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly platform?: { readonly os: string; readonly architecture: string };
}

/** As much of a manifest or index as the suites look at. */
export interface ManifestJson {
  readonly mediaType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
  readonly subject?: Descriptor;
}

export interface Manifest {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
  readonly json: ManifestJson;
}

const IMAGE = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

/** What `HOST/PATH:TAG` or `HOST/PATH@DIGEST` names. @throws Error when there is nothing */
export async function fetchManifest(reference: string): Promise<Manifest> {
  const response = await fetch(manifestUrl(reference), { headers: { accept: `${IMAGE}, ${INDEX}` } });
  if (!response.ok) throw new Error(`${reference}: ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  return {
    digest: String(response.headers.get('docker-content-digest')),
    size: bytes.length,
    mediaType: String(response.headers.get('content-type')),
    json: JSON.parse(bytes.toString()) as ManifestJson,
  };
}

/** Stores a manifest or index; everything it names must be in the repository. @returns its digest */
export async function putManifest(reference: string, json: ManifestJson): Promise<string> {
  const headers = { 'content-type': json.manifests ? INDEX : IMAGE };
  const response = await fetch(manifestUrl(reference), {
    method: 'PUT',
    body: JSON.stringify(json),
    headers,
  });
  if (response.status !== 201) throw new Error(`${reference}: ${response.status} ${await response.text()}`);
  return String(response.headers.get('docker-content-digest'));
}

/** Deletes a manifest, and every tag that names it. */
export async function deleteManifest(repository: string, digest: string): Promise<void> {
  const response = await fetch(manifestUrl(`${repository}@${digest}`), { method: 'DELETE' });
  if (response.status !== 202) throw new Error(`${repository}@${digest}: ${response.status}`);
}

/** Makes a blob of one repository one of another, without sending it. */
export async function mountBlob(from: string, to: string, digest: string): Promise<void> {
  const source = from.slice(from.indexOf('/') + 1);
  const url = `${repositoryUrl(to)}/blobs/uploads/?mount=${digest}&from=${source}`;
  const response = await fetch(url, { method: 'POST' });
  if (response.status !== 201) throw new Error(`${digest} from ${from} to ${to}: ${response.status}`);
}

/** Tags of a repository, sorted. */
export async function listTags(repository: string): Promise<readonly string[]> {
  const response = await fetch(`${repositoryUrl(repository)}/tags/list`);
  if (response.status === 404) return [];
  return [...(((await response.json()) as { tags: string[] | null }).tags ?? [])].sort();
}

/** The repository of a tagged or pinned reference. */
export function repositoryOf(reference: string): string {
  return reference.replace(/@sha256:[0-9a-f]{64}$|:[^:/]+$/, '');
}

function manifestUrl(reference: string): string {
  const repository = repositoryOf(reference);
  return `${repositoryUrl(repository)}/manifests/${reference.slice(repository.length + 1)}`;
}

function repositoryUrl(repository: string): string {
  const slash = repository.indexOf('/');
  return `http://${repository.slice(0, slash)}/v2${repository.slice(slash)}`;
}
