import type { EpochLog } from '../experiments/comparison.ts';
import type { Listeners, Progress } from '../experiments/train.ts';
import { renderEpoch } from './report.ts';

/** What is used of a stream such as `process.stderr`. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Between two lines about one epoch, in milliseconds: on a terminal the line is rewritten, in a log it is a new one. */
const interval = { terminal: 200, log: 15_000 } as const;

/** Prints a line per epoch, and while an epoch lasts, how far it is. */
export function createProgress(stream: ProgressStream): Listeners {
  const pause = stream.isTTY ? interval.terminal : interval.log;
  let last = performance.now();
  return {
    onStep(progress) {
      const now = performance.now();
      if (now - last < pause) return;
      last = now;
      stream.write(stream.isTTY ? `\r${renderStep(progress)}` : `${renderStep(progress)}\n`);
    },
    onEpoch(log: EpochLog) {
      last = performance.now();
      // Clears what the last step has written on the line.
      stream.write(`${stream.isTTY ? '\r\x1b[K' : ''}${renderEpoch(log)}\n`);
    },
  };
}

const barWidth = 20;

function renderStep({ mode, seed, epoch, epochs, step, steps, loss }: Progress): string {
  const filled = Math.round((barWidth * step) / steps);
  const bar = '#'.repeat(filled).padEnd(barWidth, '-');
  return `${mode.padEnd(9)}  seed ${seed}  epoch ${epoch}/${epochs}  [${bar}] ${step}/${steps}  loss ${loss.toFixed(3)}`;
}
