import { fail } from '../base/errors.js';
import type { FlagInput } from './oclif.js';
import { describeParserMessage } from './oclif-errors.js';
import { readSwitch } from './output-settings.js';

type Environment = Readonly<Record<string, string | undefined>>;
type Flag = FlagInput[string];

/**
 * Copies of the flags with what the environment says as their default. The parser's own reading of variables is not
 * used: it takes any unknown word as "off", an empty one as unset, and gives lists as one string.
 * @throws TouchmarkError `usage-argument` naming the variable
 */
export async function withEnvironment(flags: FlagInput, environment: Environment): Promise<FlagInput> {
  const result: Record<string, Flag> = {};
  for (const [name, { env, ...flag }] of Object.entries(flags)) {
    const text = env === undefined ? undefined : environment[env];
    const value =
      env === undefined || text === undefined || text === ''
        ? undefined
        : await readVariable(env, text, flag as Flag);
    result[name] = (value === undefined ? flag : { ...flag, default: value }) as Flag;
  }
  return result;
}

/** The value as if it stood on the command line; undefined when it says nothing, or off. A list is separated by commas. */
async function readVariable(env: string, text: string, flag: Flag): Promise<unknown> {
  if (flag.type === 'boolean') {
    const on = readSwitch(text);
    // Off is what an absent switch is; as a value it would satisfy another flag's need for this one.
    if (on !== undefined) return on || undefined;
    return fail('usage-argument', `${env} is a switch: it takes true or false, not ${JSON.stringify(text)}`, {
      hint: `unset ${env}, or set it to true or false`,
    });
  }
  const words = (flag.multiple ? text.split(',').map(word => word.trim()) : [text]).filter(
    word => word !== '',
  );
  const values: unknown[] = [];
  for (const word of words) {
    if (flag.options && !flag.options.includes(word)) {
      fail('usage-argument', `${env} takes ${flag.options.join(', ')}, not ${JSON.stringify(word)}`, {
        hint: `unset ${env}, or set it to one of these`,
      });
    }
    values.push(await readWord(env, word, flag));
  }
  return flag.multiple && values.length > 0 ? values : values[0];
}

async function readWord(
  env: string,
  word: string,
  flag: Extract<Flag, { type: 'option' }>,
): Promise<unknown> {
  try {
    return await flag.parse(word, {} as Parameters<typeof flag.parse>[1], flag as never);
  } catch (error) {
    return fail('usage-argument', `${env}: ${describeParserMessage(error as Error)}`, {
      hint: `unset ${env}, or correct it`,
      cause: error,
    });
  }
}
