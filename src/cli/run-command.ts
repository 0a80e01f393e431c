import type { CommandCall } from './base-command.js';

/**
 * Loads one command and runs it. The command reports its own errors and sets the exit code.
 * @param id a command of the manifest, `key:generate`: nothing else may come here, it names a file
 */
export async function runCommand(id: string, call: CommandCall): Promise<void> {
  const file = new URL(`dist/cli/commands/${id.replaceAll(':', '/')}.js`, call.packageRoot);
  const { default: command } = (await import(file.href)) as {
    default: { run(call: CommandCall): Promise<void> };
  };
  await command.run(call);
}
