import { connect, createServer, type Socket } from 'node:net';
import { touchmarkOk } from '../peers/touchmark.js';
import { compare } from './measure.js';
import { type Bench, cosignVerifying, ours } from './site.js';
import { milliseconds, type Result, times } from './table.js';

/** Milliseconds from here to the registry and back: a neighbouring rack, the same region, another one. */
const ROUND_TRIPS = [5, 20, 50];

/** One cold verify of an image in a registry that is some way off: what waiting for answers costs. */
export async function measureDistance(bench: Bench): Promise<readonly Result[]> {
  const results: Result[] = [];
  const image = await bench.publish(bench.plain.host, 'distance/app');
  await touchmarkOk(bench.scratch, ['sign', image.pinned, '--key', 'ada.key', '--as', 'localhost/distance']);
  for (const roundTrip of ROUND_TRIPS) {
    const far = await startDistance(bench.plain.host, roundTrip);
    try {
      const reference = image.tagged.replace(bench.plain.host, far.host);
      const [own = 0, other = 0] = await compare(
        [
          ours('verify', 'verify', reference, '--key', 'ada.pub', '--as', 'localhost/distance'),
          cosignVerifying(bench, reference),
        ],
        bench.quick ? 3 : 15,
        bench.place,
      );
      results.push({
        what: `docker-registry, by tag, ${roundTrip} ms away`,
        ours: milliseconds(own),
        theirs: `cosign 3 ${milliseconds(other)}`,
        ratio: times(own / other),
        bar: '',
      });
    } finally {
      await far.close();
    }
  }
  return results;
}

/** A proxy on loopback through which every byte, and the opening of every connection, takes its time. */
async function startDistance(
  target: string,
  roundTrip: number,
): Promise<{ readonly host: string; close(): Promise<void> }> {
  const [name = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, near => {
    const far = connect({ host: name, port: Number(port), noDelay: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    }
    // Accepting took no time here, so the first bytes also pay for the handshake.
    const opened = performance.now() + roundTrip;
    pass(near, far, roundTrip / 2, opened);
    pass(far, near, roundTrip / 2, opened);
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port: own } = server.address() as { port: number };
  return {
    host: `127.0.0.1:${own}`,
    close: () =>
      new Promise(done => {
        for (const socket of sockets) socket.destroy();
        server.close(() => done());
      }),
  };
}

function pass(from: Socket, to: Socket, delay: number, notBefore: number): void {
  const later = (work: () => void) => setTimeout(work, Math.max(0, notBefore - performance.now()) + delay);
  from.on('data', chunk => later(() => to.writable && to.write(chunk)));
  from.on('end', () => later(() => to.end()));
  from.on('close', () => later(() => to.destroy()));
}
