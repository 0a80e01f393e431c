import { fileURLToPath } from 'node:url';
import { Config } from '@oclif/core';

/** Loads oclif and one command, and runs it. The command reports its own errors and sets the exit code. */
export async function runCommand(id: string, argv: string[], packageRoot: URL): Promise<void> {
  // Plugins would be code from the user's home folder inside a tool whose yes is trusted.
  const config = await Config.load({
    root: fileURLToPath(packageRoot),
    userPlugins: false,
    devPlugins: false,
  });
  await config.runCommand(id, argv);
}
