import { PEERS } from '../peers/peer-list.js';
import { compare } from './measure.js';
import { type Bench, ours } from './site.js';
import { milliseconds, type Result, times } from './table.js';

/** What a command costs before it does anything, against Node itself and against cosign. */
export async function measureStartUp(bench: Bench): Promise<readonly Result[]> {
  const cosign = (name: string, ...args: string[]) => ({ name, file: PEERS.cosign3.path, args: () => args });
  const [node = 0, version = 0, help = 0, theirVersion = 0, theirHelp = 0] = await compare(
    [
      { name: 'node', file: process.execPath, args: () => ['-e', '0'] },
      ours('--version', '--version'),
      ours('verify --help', 'verify', '--help'),
      cosign('version', 'version'),
      cosign('verify --help', 'verify', '--help'),
    ],
    bench.quick ? 3 : 30,
    bench.place,
  );
  const against = (what: string, own: number, name: string, other: number, bar?: string): Result => ({
    what,
    ours: milliseconds(own),
    theirs: `${name} ${milliseconds(other)}`,
    ratio: times(own / other),
    ...(bar !== undefined && { bar }),
  });
  return [
    against('`--version`', version, '`node -e 0`', node, '< 2.5'),
    against('`verify --help`', help, '`node -e 0`', node, '< 2.5'),
    against('`--version`', version, 'cosign 3', theirVersion),
    against('`verify --help`', help, 'cosign 3', theirHelp),
  ];
}
