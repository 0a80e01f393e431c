import { fail, toTouchmarkError } from '../base/errors.js';

/**
 * Writes all of `text` to stdout. A reader that went away (`| head`) is no error; a full disk behind `>` is.
 * @throws TouchmarkError `io-no-space`, `io-failed`
 */
export function writeStdout(text: string, stream: NodeJS.WritableStream = process.stdout): Promise<void> {
  return write(text, stream, error => {
    throw toTouchmarkError(error);
  });
}

/** Writes to stderr. When even that fails there is nobody left to tell. */
export function writeStderr(text: string, stream: NodeJS.WritableStream = process.stderr): Promise<void> {
  return write(text, stream, () => {});
}

const prepared = new WeakSet<NodeJS.WritableStream>();

async function write(
  text: string,
  stream: NodeJS.WritableStream,
  onError: (error: Error) => void,
): Promise<void> {
  if (text === '') return;
  if (!prepared.has(stream)) {
    // The stream reports one fault twice: to the callback below, and as an event, which nobody else may answer.
    stream.removeAllListeners('error').on('error', () => {});
    prepared.add(stream);
  }
  const error = await new Promise<Error | null | undefined>(done => {
    stream.write(text, done);
  });
  if (error && !isClosedPipe(error)) onError(error);
}

function isClosedPipe(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  // The second code is what a stream says that has met EPIPE before.
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED';
}

/** Standard input can be read once: whoever reads it says for what. */
export interface StandardInput {
  /**
   * Reads everything, at most `maxSize` bytes.
   * @throws TouchmarkError `usage-argument` when another flag reads it too, `usage-file` when there is more
   */
  read(purpose: string, maxSize: number): Promise<Uint8Array>;
}

export function createStandardInput(
  open: () => AsyncIterable<Uint8Array> & { destroy?(): unknown } = () => process.stdin,
  signal?: AbortSignal,
): StandardInput {
  let owner: string | undefined;
  return {
    async read(purpose, maxSize) {
      if (owner !== undefined) {
        return fail(
          'usage-argument',
          `standard input can be read once, but both ${owner} and ${purpose} ask for it`,
          {
            hint: 'give one of them as a file',
          },
        );
      }
      owner = purpose;
      const chunks: Uint8Array[] = [];
      let size = 0;
      const stream = open();
      // Whoever holds the other end may never write nor close it.
      signal?.addEventListener('abort', () => stream.destroy?.(), { once: true });
      for await (const chunk of stream) {
        size += chunk.length;
        if (size > maxSize) {
          fail('usage-file', `${purpose}: standard input holds more than ${maxSize} bytes`);
        }
        chunks.push(chunk);
      }
      signal?.throwIfAborted();
      return Buffer.concat(chunks);
    },
  };
}
