/** One thing to measure. `run` must do all of its work before it returns. */
export interface Contender {
  readonly name: string;
  run(): void;
}

/** Milliseconds of CPU time that one run took, over all rounds. */
export interface Timing {
  readonly name: string;
  readonly median: number;
  readonly best: number;
  readonly rounds: number;
}

export interface MeasureOptions {
  readonly rounds?: number;
  /** How long each contender runs in every round: far longer than the clock's resolution. */
  readonly roundMs?: number;
  readonly warmUpMs?: number;
}

/**
 * Measures contenders side by side: in every round each of them runs in turn, so that whatever slows the machine down
 * for a while slows all of them. The clock is this process's CPU time, which other processes do not advance.
 */
export function measure(
  contenders: readonly Contender[],
  { rounds = 15, roundMs = 20, warmUpMs = 150 }: MeasureOptions = {},
): Timing[] {
  const prepared = contenders.map((contender) => ({ contender, repeats: repeatsFor(contender, warmUpMs, roundMs) }));
  const samples = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    prepared.forEach(({ contender, repeats }, i) => {
      const start = cpuMs();
      for (let repeat = 0; repeat < repeats; repeat++) contender.run();
      samples[i]?.push((cpuMs() - start) / repeats);
    });
  }
  return contenders.map(({ name }, i) => {
    const sorted = (samples[i] as number[]).sort((a, b) => a - b);
    return { name, median: sorted[Math.floor(sorted.length / 2)] as number, best: sorted[0] as number, rounds };
  });
}

/** Runs until compilers have settled, and tells how many runs fill a round. */
function repeatsFor(contender: Contender, warmUpMs: number, roundMs: number): number {
  const start = cpuMs();
  let runs = 0;
  do {
    contender.run();
    runs++;
  } while (cpuMs() - start < warmUpMs);
  const settled = cpuMs();
  const trial = Math.max(Math.ceil(runs / 4), 1);
  for (let i = 0; i < trial; i++) contender.run();
  return Math.max(Math.ceil((roundMs * trial) / (cpuMs() - settled)), 1);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
