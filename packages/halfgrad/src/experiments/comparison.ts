import {
  accuracy,
  averageScores,
  type Bar,
  type ConfusionMatrix,
  type Estimate,
  exactly,
  examplesNeeded,
  type Judgement,
  judge,
  type McNemarResult,
  mcNemar,
  pairedDifference,
} from '@halfgrad/metrics';
import type { HeldBytes, ModeName } from './modes.ts';

/** One epoch of training, as the progress line shows it. */
export interface EpochLog {
  readonly mode: ModeName;
  readonly seed: number;
  readonly epoch: number;
  readonly epochs: number;
  /** The mean over the epoch's steps. */
  readonly loss: number;
  readonly imagesPerSecond: number;
  /** The loss scale of the last step; 1 without scaling. */
  readonly scale: number;
  readonly skippedSteps: number;
  readonly steps: number;
}

export interface Bytes extends HeldBytes {
  /** What autograd kept for backward, at its peak. */
  readonly savedActivations: number;
}

/** One mode trained from one seed and evaluated on the test images. */
export interface RunResult {
  readonly mode: ModeName;
  readonly seed: number;
  readonly epochs: readonly EpochLog[];
  readonly trainSeconds: number;
  readonly evalSeconds: number;
  readonly bytes: Bytes;
  /** The predicted class of each test image, in the order of the data. */
  readonly predictions: readonly number[];
  readonly confusion: ConfusionMatrix;
  /** Whether each test image was classified correctly. */
  readonly correct: readonly boolean[];
}

/** All runs of one mode, pooled over the seeds. */
export interface ModeSummary {
  readonly mode: ModeName;
  readonly accuracy: number;
  /** Macro averages over the classes. */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly confusion: ConfusionMatrix;
  /** The accuracy of each seed. */
  readonly accuracies: readonly number[];
  /** Means over the seeds. */
  readonly trainSeconds: number;
  readonly evalSeconds: number;
  readonly bytes: Bytes;
  readonly steps: number;
  readonly skippedSteps: number;
  readonly finalScale: number;
}

/** A question with its definition, and the answer as far as the evidence goes. */
export interface Criterion {
  readonly name: 'accuracy' | 'time' | 'memory';
  readonly definition: string;
  readonly verdict: Judgement | 'not judged';
  /** Why it was not judged. */
  readonly reason?: string;
  /** In percentage points for accuracy, in percent saved for time and memory. */
  readonly estimate?: Estimate;
  /** About how many pairs of predictions (test images times seeds) would settle an inconclusive verdict. */
  readonly pairsNeeded?: number;
}

export interface Verdict {
  readonly mode: ModeName;
  readonly criteria: readonly Criterion[];
  /** Test images that only one of the two modes classified correctly, and how likely so uneven a split is by chance. */
  readonly paired: McNemarResult;
}

export interface ComparisonReport {
  readonly schema: 'halfgrad.compare/1';
  readonly device: string;
  readonly isEmulated: boolean;
  readonly model: string;
  readonly data: {
    readonly name: string;
    readonly train: number;
    readonly test: number;
    readonly classes: readonly string[];
  };
  readonly settings: {
    readonly seeds: readonly number[];
    readonly epochs: number;
    readonly batch: number;
    readonly lossFactor: number;
    readonly lossScale: boolean;
  };
  readonly modes: readonly ModeSummary[];
  /** Each mode but float32, against float32; empty when float32 was not run. */
  readonly verdicts: readonly Verdict[];
  readonly runs: readonly Omit<RunResult, 'predictions' | 'correct'>[];
}

/** Pools the runs of one mode. */
export function summarize(runs: readonly [RunResult, ...RunResult[]]): ModeSummary {
  const [first] = runs;
  const confusion = first.confusion.map((row, i) =>
    row.map((_, j) => runs.reduce((sum, run) => sum + (run.confusion[i]?.[j] ?? 0), 0)),
  );
  const lastEpochs = runs.flatMap(({ epochs }) => epochs.at(-1) ?? []);
  const allEpochs = runs.flatMap(({ epochs }) => epochs);
  return {
    mode: first.mode,
    accuracy: accuracy(confusion),
    ...averageScores(confusion, 'macro'),
    confusion,
    accuracies: runs.map((run) => accuracy(run.confusion)),
    trainSeconds: mean(runs.map(({ trainSeconds }) => trainSeconds)),
    evalSeconds: mean(runs.map(({ evalSeconds }) => evalSeconds)),
    bytes: first.bytes,
    steps: total(allEpochs.map(({ steps }) => steps)),
    skippedSteps: total(allEpochs.map(({ skippedSteps }) => skippedSteps)),
    finalScale: lastEpochs.at(-1)?.scale ?? 1,
  };
}

/** Judges a mode against float32 on the same images and seeds (AMP.md F2.11, H1). */
export function judgeAgainst(
  baseline: readonly RunResult[],
  candidate: readonly [RunResult, ...RunResult[]],
  { isEmulated }: { readonly isEmulated: boolean },
): Verdict {
  const [base, mixed] = [baseline, candidate].map((runs) => runs.flatMap(({ correct }) => correct)) as [
    boolean[],
    boolean[],
  ];
  return {
    mode: candidate[0].mode,
    criteria: [
      {
        name: 'accuracy',
        definition: 'at most 1 percentage point below float32 on the same images; a loss of more than 3 fails',
        ...accuracyVerdict(mixed, base),
      },
      timeCriterion(baseline, candidate, isEmulated),
      {
        name: 'memory',
        definition: 'at least 30 % fewer bytes of parameters, gradients, optimizer state and saved activations',
        ...judged(exactly(saving(meanBytes(baseline), meanBytes(candidate))), { pass: 30, fail: 30 }),
      },
    ],
    paired: mcNemar(mixed, base),
  };
}

function accuracyVerdict(
  mixed: readonly boolean[],
  base: readonly boolean[],
): Pick<Criterion, 'verdict' | 'estimate' | 'pairsNeeded'> {
  const bar = { pass: -1, fail: -3 };
  const { verdict, estimate } = judged(pairedDifference(mixed, base), bar);
  const pairsNeeded = verdict === 'inconclusive' ? examplesNeeded(estimate, mixed.length, bar) : undefined;
  return { verdict, estimate, ...(pairsNeeded !== undefined && { pairsNeeded }) };
}

function timeCriterion(
  baseline: readonly RunResult[],
  candidate: readonly RunResult[],
  isEmulated: boolean,
): Criterion {
  const definition = 'at least 20 % less training time';
  if (isEmulated) {
    return {
      name: 'time',
      definition,
      verdict: 'not judged',
      reason: 'emulated arithmetic is slower than hardware by design',
    };
  }
  const savings = epochSavings(baseline, candidate);
  const estimate: Estimate = {
    difference: saving(mean(baseline.map(seconds)), mean(candidate.map(seconds))),
    interval: [Math.min(...savings), Math.max(...savings)],
  };
  // A single timing shows nothing of the noise.
  if (savings.length < 2) return { name: 'time', definition, verdict: 'inconclusive', estimate };
  return { name: 'time', definition, ...judged(estimate, { pass: 20, fail: 20 }) };
}

/** What each epoch of each seed saved, against the same epoch in float32. */
function epochSavings(baseline: readonly RunResult[], candidate: readonly RunResult[]): number[] {
  return candidate.flatMap(({ epochs }, run) =>
    epochs.map(({ imagesPerSecond }, i) => {
      const before = baseline[run]?.epochs[i]?.imagesPerSecond ?? imagesPerSecond;
      return saving(1 / before, 1 / imagesPerSecond);
    }),
  );
}

function seconds({ trainSeconds }: RunResult): number {
  return trainSeconds;
}

function judged(estimate: Estimate, bar: Bar): { readonly verdict: Judgement; readonly estimate: Estimate } {
  return { verdict: judge(estimate, bar), estimate };
}

/** In percent. */
function saving(before: number, after: number): number {
  return 100 * (1 - after / before);
}

/** Everything that a mode holds at its peak. */
export function totalBytes({ parameters, gradients, optimizerState, savedActivations }: Bytes): number {
  return parameters + gradients + optimizerState + savedActivations;
}

function meanBytes(runs: readonly RunResult[]): number {
  return mean(runs.map(({ bytes }) => totalBytes(bytes)));
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function mean(numbers: readonly number[]): number {
  return total(numbers) / numbers.length;
}
