import { createGunzip } from 'node:zlib';
import { fail } from '../base/errors.js';
import { ENGINE_OPTIONS, runEngine } from './engine.js';
import type { LayerInput } from './input.js';

/**
 * Unpacks gzip (RFC 1952): several members are one stream; zeros behind the last, as tapes leave them, are ignored.
 * Decoders differ on what else may stand there (Go refuses it, GNU gzip ignores it), so it is a fault.
 * @throws TouchmarkError `blob-corrupt`, `blob-trailing-data`; what the input throws
 */
export async function* gunzip(input: LayerInput): AsyncGenerator<Uint8Array> {
  try {
    yield* runEngine(createGunzip(ENGINE_OPTIONS), input, rest => {
      if (rest.some(byte => byte !== 0)) failTrailing();
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'Z_DATA_ERROR' && code !== 'Z_BUF_ERROR') throw error;
    // The first member's beginning was looked at before: this is where another one should begin.
    if (message === 'incorrect header check') failTrailing();
    fail('blob-corrupt', `the gzip stream is damaged: ${message}`, { cause: error });
  }
}

function failTrailing(): never {
  return fail('blob-trailing-data', 'there are bytes behind the end of the gzip stream');
}
