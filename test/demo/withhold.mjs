/** `withhold DIR TAG`: removes what travels with an image in a layout - the marks of the teams before - as a lossy mirror would. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, tag] = process.argv.slice(2);
const indexFile = join(folder, 'index.json');
const index = JSON.parse(readFileSync(indexFile, 'utf8'));
const nameOf = entry => entry.annotations?.['org.opencontainers.image.ref.name'];
const { digest } = index.manifests.find(entry => nameOf(entry) === tag);
const name = digest.replace(':', '-');
index.manifests = index.manifests.filter(entry => ![name, `${name}.custody`].includes(nameOf(entry)));
writeFileSync(indexFile, JSON.stringify(index));
const blobs = join(folder, 'blobs/sha256');
for (const file of readdirSync(blobs)) {
  const bytes = readFileSync(join(blobs, file), 'latin1');
  if (/^\{"schemaVersion":2.*"artifactType":"application\/vnd\.touchmark\.custody/s.test(bytes))
    rmSync(join(blobs, file));
}
process.stdout.write(`removed the custody artifact of ${digest}\n`);
