import { defaultDevice } from '@halfgrad/core';
import { type ComparisonReport, judgeAgainst, type RunResult, summarize } from './comparison.ts';
import type { ExperimentData } from './load-data.ts';
import type { ModeName } from './modes.ts';
import { type Listeners, type TrainOptions, trainAndEvaluate } from './train.ts';

export interface CompareOptions extends TrainOptions {
  readonly modes: readonly ModeName[];
  readonly seeds: readonly number[];
}

/** Trains every mode from every seed on the same data and judges them against float32. */
export function compare(data: ExperimentData, options: CompareOptions, listeners: Listeners): ComparisonReport {
  const byMode = new Map<ModeName, [RunResult, ...RunResult[]]>();
  // Seed by seed, so that a drift of the machine's speed meets every mode alike.
  for (const seed of options.seeds) {
    for (const mode of options.modes) {
      const run = trainAndEvaluate(mode, seed, data, options, listeners);
      const earlier = byMode.get(mode);
      byMode.set(mode, earlier ? [...earlier, run] : [run]);
    }
  }
  const baseline = byMode.get('none');
  const isEmulated = defaultDevice().emulatesHalf ?? false;
  return {
    schema: 'halfgrad.compare/1',
    device: defaultDevice().name,
    isEmulated,
    model: options.model,
    data: { name: data.name, train: data.train.length, test: data.test.length, classes: data.classes },
    settings: {
      seeds: options.seeds,
      epochs: options.epochs,
      batch: options.batch,
      lossFactor: options.lossFactor,
      lossScale: options.lossScale,
    },
    modes: Array.from(byMode.values(), summarize),
    verdicts: baseline
      ? Array.from(byMode).flatMap(([mode, runs]) =>
          mode === 'none' ? [] : [judgeAgainst(baseline, runs, { isEmulated })],
        )
      : [],
    runs: Array.from(byMode.values()).flatMap((runs) => runs.map(({ predictions: _p, correct: _c, ...run }) => run)),
  };
}
