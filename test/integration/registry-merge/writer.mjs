// One writer of many: adds its own referrer to one subject, and its own layer to one `.sig`-like tag.
// Run by run.mjs, a process each: node writer.mjs LIBRARY LOCATION SUBJECT NUMBER START
const [library, location, subject, number, start] = process.argv.slice(2);
const { createRegistrySession, openRegistryStore, serializeManifest, parseManifest, describe } = await import(
  library
);

const bytes = text => new TextEncoder().encode(text);
let requests = 0;
const session = createRegistrySession({ onRequest: () => requests++ });
const store = openRegistryStore({ transport: 'registry', location }, session);
await new Promise(resolve => setTimeout(resolve, Math.max(0, Number(start) - Date.now())));
const began = performance.now();

const empty = describe('application/vnd.oci.empty.v1+json', bytes('{}'));
const payload = bytes(`payload of writer ${number}`);
const layer = describe('text/plain', payload);
await store.writeBlob(empty, bytes('{}'));
await store.writeBlob(layer, payload);
const referrer = serializeManifest({
  artifactType: 'application/x-test',
  config: empty,
  layers: [layer],
  subject: JSON.parse(subject),
});
await store.attach(referrer, JSON.parse(subject).digest);
const attached = performance.now();
const seen = new Map([[layer.digest, layer]]);
await store.updateTag('merged.sig', current => {
  const layers = new Map((current ? parseManifest(current).layers : []).map(l => [l.digest, l]));
  const missing = [...seen].filter(([digest]) => !layers.has(digest));
  for (const [digest, l] of layers) seen.set(digest, l);
  if (missing.length === 0) return undefined;
  for (const [digest, l] of missing) layers.set(digest, l);
  return serializeManifest({
    config: empty,
    layers: [...layers.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1)),
  });
});
const done = performance.now();
console.log(
  JSON.stringify({
    referrer: referrer.descriptor.digest,
    layer: layer.digest,
    requests,
    attach: Math.round(attached - began),
    tag: Math.round(done - attached),
  }),
);
await session.close();
