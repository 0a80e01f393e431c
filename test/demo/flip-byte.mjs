/** `flip-byte DIR DIGEST`: changes one bit of a blob in a layout, as a failing disk or an attacker would. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, digest] = process.argv.slice(2);
const file = join(folder, 'blobs', ...digest.split(':'));
const bytes = readFileSync(file);
bytes[bytes.length >> 1] ^= 1;
writeFileSync(file, bytes);
process.stdout.write(`changed one bit of ${file}\n`);
