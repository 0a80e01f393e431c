import { openSync } from 'node:fs';
import { fail, TouchmarkError } from '../base/errors.js';
import { readSwitch } from './output-settings.js';
import { printable } from './text.js';

/** The person at the controlling terminal: never standard input, which may be a pipe with data in it. */
export interface Terminal {
  /** Asks for one line. Without echo nothing of the answer appears, and the prompt is erased afterwards. */
  ask(prompt: string, options: { readonly echo: boolean }): Promise<string>;
}

export interface TerminalDevice {
  readonly input: NodeJS.ReadableStream & { setRawMode?(mode: boolean): unknown };
  readonly output: NodeJS.WritableStream;
  close(): void;
}

/** Whether anything may be asked at all: not with `--no-input`, TOUCHMARK_NO_INPUT or CI. */
export function mayPrompt(
  noInput: boolean,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  return (
    !noInput &&
    readSwitch(environment['TOUCHMARK_NO_INPUT']) !== true &&
    readSwitch(environment['CI']) !== true
  );
}

/** The terminal, or undefined when this process has none. */
export function openTerminal(signal: AbortSignal): Terminal | undefined {
  const device = openDevice();
  if (device === undefined) return undefined;
  device.close();
  return {
    async ask(prompt, options) {
      const opened = openDevice() ?? fail('usage-no-terminal', 'the terminal went away');
      try {
        return await askOn(opened, prompt, options.echo, signal);
      } finally {
        opened.close();
      }
    },
  };
}

function openDevice(): TerminalDevice | undefined {
  const [inputName, outputName] =
    process.platform === 'win32' ? ['\\\\.\\CONIN$', '\\\\.\\CONOUT$'] : ['/dev/tty', '/dev/tty'];
  // Loaded when somebody is asked: most runs ask nobody.
  const { ReadStream, WriteStream } = process.getBuiltinModule('node:tty');
  try {
    const input = new ReadStream(openSync(inputName, 'r+'));
    const output = new WriteStream(openSync(outputName, 'r+'));
    return {
      input,
      output,
      close() {
        input.destroy();
        output.destroy();
      },
    };
  } catch {
    // ENXIO, ENOENT, EINVAL: there is no controlling terminal, or it is none.
    return undefined;
  }
}

const [ENTER, NEWLINE, CTRL_C, CTRL_D, CTRL_U, BACKSPACE, DELETE] = [
  '\r',
  '\n',
  '\x03',
  '\x04',
  '\x15',
  '\b',
  '\x7f',
];
/** Clears the line that the prompt stands in. */
const ERASE = '\r\x1b[2K';
const LONGEST_ANSWER = 4096;

/**
 * Reads one line in raw mode, with the few editing keys that people expect.
 * @throws TouchmarkError `interrupted` for Ctrl-C, `usage-declined` for Ctrl-D or a terminal that closes
 */
export function askOn(
  device: TerminalDevice,
  prompt: string,
  echo: boolean,
  signal: AbortSignal,
): Promise<string> {
  const { input, output } = device;
  const question = printable(prompt);
  return new Promise((resolve, reject) => {
    let answer: string[] = [];
    const finish = (settle: () => void) => {
      input.setRawMode?.(false);
      input.removeAllListeners('data');
      signal.removeEventListener('abort', onAbort);
      input.pause();
      output.write(echo ? '\n' : ERASE);
      settle();
    };
    const decline = () =>
      finish(() => reject(new TouchmarkError('usage-declined', 'the question was not answered')));
    const onAbort = () => finish(() => reject(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    input.setRawMode?.(true);
    input.once('end', decline);
    input.once('error', decline);
    // A character may arrive in two chunks.
    input.setEncoding('utf8');
    input.on('data', (chunk: Buffer | string) => {
      // Arrow and function keys arrive as one sequence; they are no part of an answer.
      if (chunk.toString().startsWith('\x1b')) return;
      for (const key of chunk.toString()) {
        if (key === ENTER || key === NEWLINE) return finish(() => resolve(answer.join('')));
        if (key === CTRL_C) return finish(() => reject(new TouchmarkError('interrupted', 'interrupted')));
        if (key === CTRL_D) return decline();
        if (key === CTRL_U) answer = [];
        else if (key === BACKSPACE || key === DELETE) {
          if (answer.pop() !== undefined && echo) output.write('\b \b');
        } else if (key >= ' ' && answer.length < LONGEST_ANSWER) {
          answer.push(key);
          if (echo) output.write(key);
        }
      }
    });
    output.write(question);
    if (signal.aborted) onAbort();
  });
}

export interface Confirmation {
  /** The effect and the count, as a question: `Overwrite 2 files?` */
  readonly question: string;
  /** `--yes` was given. */
  readonly yes: boolean;
  readonly terminal: Terminal | undefined;
}

/**
 * Asks a person to confirm; anything but yes is no.
 * @throws TouchmarkError `usage-no-terminal` when nobody can be asked, `usage-declined`
 */
export async function confirm({ question, yes, terminal }: Confirmation): Promise<void> {
  if (yes) return;
  if (terminal === undefined) {
    return fail('usage-no-terminal', `this needs a confirmation, and there is nobody to ask: ${question}`, {
      hint: 'add --yes if that is what you want',
    });
  }
  const answer = await terminal.ask(`${question} [y/N] `, { echo: true });
  if (!/^y(?:es)?$/i.test(answer.trim())) fail('usage-declined', 'declined: nothing was changed');
}
