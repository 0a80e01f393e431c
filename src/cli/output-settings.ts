import { createStyler, type Styler, wantsColour } from './text.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** How a command speaks. Known before the command line is parsed, because parsing may be what fails. */
export interface OutputSettings {
  readonly format: 'text' | 'json';
  readonly quiet: boolean;
  readonly debug: boolean;
  readonly stdoutColour: boolean;
  readonly stdout: Styler;
  readonly stderr: Styler;
}

/** Whether an environment variable that is a switch is on; undefined when it is not set or not a switch value. */
export function readSwitch(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (/^(?:1|true|yes|on)$/i.test(value)) return true;
  return /^(?:|0|false|no|off)$/i.test(value) ? false : undefined;
}

/** Reads the output flags without judging anything else; a format nobody knows is left to the parser to refuse. */
export function readOutputSettings(
  argv: readonly string[],
  environment: Environment = process.env,
  streams: { readonly stdout: { isTTY?: boolean }; readonly stderr: { isTTY?: boolean } } = process,
): OutputSettings {
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  const has = (variable: string, ...flags: string[]) =>
    words.some(word => flags.includes(word)) || readSwitch(environment[variable]) === true;
  const refused = has('TOUCHMARK_NO_COLOR', '--no-color');
  const colour = (stream: { isTTY?: boolean }) =>
    wantsColour({ isTTY: stream.isTTY === true, environment, refused });
  const stdoutColour = colour(streams.stdout);
  return {
    format: words.includes('--json') || lastFormat(words, environment) === 'json' ? 'json' : 'text',
    quiet: has('TOUCHMARK_QUIET', '--quiet', '-q'),
    debug: has('TOUCHMARK_DEBUG', '--debug'),
    stdoutColour,
    stdout: createStyler(stdoutColour),
    // Asked only when something is said there: the stream itself is made by the first look at it.
    stderr: (style, text) => createStyler(colour(streams.stderr))(style, text),
  };
}

function lastFormat(words: readonly string[], environment: Environment): string | undefined {
  let format = environment['TOUCHMARK_OUTPUT'];
  words.forEach((word, index) => {
    const joined = /^(?:--output=|-o=?)(.+)$/s.exec(word);
    if (joined) format = joined[1];
    else if (word === '--output' || word === '-o') format = words[index + 1];
  });
  return format;
}
