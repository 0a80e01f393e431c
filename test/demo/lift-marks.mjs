/** `lift-marks oci:DIR:FROM oci:DIR:TO`: hangs the marks of one image on another, as somebody with write access could. */
import { createStoreAccess, openStore, parseReference, resolveImage } from 'touchmark/oci';

const [from, to] = process.argv.slice(2);
const access = createStoreAccess();
const store = await openStore(parseReference(to), access);
const tagOf = (raw, suffix) => raw.descriptor.digest.replace(':', '-') + suffix;
const source = await resolveImage(store, parseReference(from));
const target = await resolveImage(store, parseReference(to));
const marks = await store.fetchManifest({ tag: tagOf(source, '.sig') });
await store.writeManifest(marks, tagOf(target, '.sig'));
await store.commit();
await store.close();
await access.close();
process.stdout.write(`the marks of ${source.descriptor.digest} now hang on ${target.descriptor.digest}\n`);
