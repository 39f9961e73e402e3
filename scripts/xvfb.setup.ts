import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** Starts the X server that headless-gl needs on Linux, for tests on a machine without a display. */
export default async function setup(): Promise<(() => void) | undefined> {
  if (process.platform !== 'linux' || process.env['DISPLAY']) return undefined;
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '64x64x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const display = await new Promise<string | undefined>((resolve) => {
    // Without an X server the tests say themselves why they are skipped.
    server.once('error', () => resolve(undefined));
    server.once('exit', () => resolve(undefined));
    (server.stdio[3] as Readable).once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
  });
  if (display === undefined) return undefined;
  process.env['DISPLAY'] = `:${display}`;
  return () => {
    server.kill();
  };
}
