import { fail } from '../base/errors.js';

/** What is used of libzstd, compiled to WebAssembly. Pointers and sizes are numbers of 32 bits. */
interface Libzstd {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(size: number): number;
  ZSTD_createDCtx(): number;
  /** Both buffers are structures of pointer, size and position. */
  ZSTD_decompressStream(context: number, output: number, input: number): number;
}

/** Standard in every version of Node, but not among its types. */
declare const WebAssembly: {
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

const INPUT = 256 * 1024;
const OUTPUT = 1024 * 1024;
/** Results from here on are error codes: minus a number below 120. */
const FIRST_ERROR = 2 ** 32 - 120;
const OUT_OF_MEMORY = 2 ** 32 - 64;

let loading: Promise<object> | undefined;

/** The package's own decoder runs for ever on damaged data, so only the compiled library is taken from it. */
async function loadModule(): Promise<object> {
  const { ZSTDDecoder } = await import('zstddec/stream');
  const loader = new ZSTDDecoder();
  const keep = loader._init;
  let module: object | undefined;
  loader._init = result => {
    keep(result);
    module = (result as { readonly module: object }).module;
  };
  await loader.init();
  return module ?? fail('internal', 'the zstd decoder could not be loaded');
}

/**
 * Makes a decoder out of libzstd, in a memory of its own that goes with it.
 * @returns what decodes the next part, in blocks of at most 1 MiB; it throws TouchmarkError `blob-corrupt`
 */
export async function createWasmDecoder(): Promise<(part: Uint8Array) => Generator<Uint8Array>> {
  loading ??= loadModule();
  const instance = new WebAssembly.Instance(await loading, { env: { emscripten_notify_memory_growth() {} } });
  const library = instance.exports as Libzstd;
  const context = library.ZSTD_createDCtx();
  const [input, output, buffers] = [library.malloc(INPUT), library.malloc(OUTPUT), library.malloc(24)];

  /** Memory that grew is another buffer: to be asked for after each call. */
  const view = (): DataView => new DataView(library.memory.buffer);

  return function* decode(part) {
    for (let start = 0; start < part.length; start += INPUT) {
      const piece = part.subarray(start, start + INPUT);
      new Uint8Array(library.memory.buffer).set(piece, input);
      for (let taken = 0, made = OUTPUT; taken < piece.length || made === OUTPUT; ) {
        const fields = [input, piece.length, taken, output, OUTPUT, 0];
        fields.forEach((value, i) => {
          view().setUint32(buffers + 4 * i, value, true);
        });
        const result = library.ZSTD_decompressStream(context, buffers + 12, buffers) >>> 0;
        const before = taken;
        taken = view().getUint32(buffers + 8, true);
        made = view().getUint32(buffers + 20, true);
        if (result === OUT_OF_MEMORY) fail('internal', 'there is not enough memory to decode zstd');
        if (result >= FIRST_ERROR || (taken === before && made === 0 && taken < piece.length)) {
          fail('blob-corrupt', `the zstd stream is damaged: libzstd gives error ${2 ** 32 - result}`);
        }
        if (made > 0) yield new Uint8Array(library.memory.buffer).slice(output, output + made);
      }
    }
  };
}
