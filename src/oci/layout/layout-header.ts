import { Field } from '../../base/fields.js';
import { parseJson } from '../../base/json.js';

/** The file that makes a folder or an archive an image layout. */
export const LAYOUT_HEADER = 'oci-layout';

/**
 * Checks the content of `oci-layout`.
 * @throws TouchmarkError `format-layout`
 */
export function checkLayoutHeader(bytes: Uint8Array, what: string): void {
  const field = new Field(parseJson(bytes, what, { code: 'format-layout' }), what, 'format-layout');
  const version = field.get('imageLayoutVersion').string(20);
  if (!/^1\.\d+\.\d+$/.test(version)) {
    field.get('imageLayoutVersion').fail(`is ${JSON.stringify(version)}; this tool reads 1.0.0`);
  }
}
