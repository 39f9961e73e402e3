import { type Bytes, type ModeSummary, totalBytes } from '../experiments/comparison.ts';
import type { ModeName } from '../experiments/modes.ts';
import { formatBytes, formatChange, formatScale, formatSeconds, formatShare, formatSigned } from './format.ts';
import { renderTable } from './table.ts';
import type { Colors } from './theme.ts';

/** What was measured of every mode, a row per measure, with the change against float32 where it was run. */
export function renderMeasures(modes: readonly ModeSummary[], colors: Colors): string[] {
  const baseline = modes.find(({ mode }) => mode === 'none');
  const isPlain = (mode: ModeSummary): boolean => !baseline || mode === baseline;
  const cellsOf = (value: (mode: ModeSummary) => readonly [string, string]): string[] =>
    modes.flatMap((mode) => (isPlain(mode) ? [value(mode)[0]] : value(mode)));

  const header = [
    ['', '', ...cellsOf(({ mode }) => [colors.bold(mode), ''])],
    ['', '', ...cellsOf(({ mode }) => [colors.dim(arithmetic[mode]), ''])],
  ];
  const hasSeeds = modes.some(({ accuracies }) => accuracies.length > 1);
  const rows = measures
    .filter(({ perSeed }) => !perSeed || hasSeeds)
    .map(({ group, name, value, change }) => [
      colors.dim(group ?? ''),
      name,
      ...cellsOf((mode) => [value(mode), colors.dim(baseline && change ? change(mode, baseline) : '')]),
    ]);
  const aligns = modes.flatMap((mode) => (isPlain(mode) ? (['right'] as const) : (['right', 'right'] as const)));
  return renderTable([...header, ...rows], ['left', 'left', ...aligns]);
}

/** What the modes compute in. */
const arithmetic: { readonly [M in ModeName]: string } = {
  none: 'float32',
  automatic: 'autocast',
  manual: 'float16 copy',
};

interface Measure {
  /** Named once, at the first measure of a group. */
  readonly group?: string;
  readonly name: string;
  /** Left out when there is one seed only. */
  readonly perSeed?: true;
  value(mode: ModeSummary): string;
  change?(mode: ModeSummary, baseline: ModeSummary): string;
}

const measures: readonly Measure[] = [
  { group: 'quality', ...score('accuracy') },
  {
    name: 'worst, best seed',
    perSeed: true,
    value: ({ accuracies }) => [Math.min, Math.max].map((pick) => (100 * pick(...accuracies)).toFixed(1)).join(', '),
  },
  score('precision'),
  score('recall'),
  score('f1'),
  { group: 'time', ...duration('training', 'trainSeconds') },
  duration('evaluation', 'evalSeconds'),
  { group: 'memory', ...bytes('parameters', ({ parameters }) => parameters) },
  bytes('gradients', ({ gradients }) => gradients),
  bytes('optimizer state', ({ optimizerState }) => optimizerState),
  bytes('saved activations', ({ savedActivations }) => savedActivations),
  bytes('together', totalBytes),
  { group: 'scaling', name: 'skipped steps', value: ({ skippedSteps, steps }) => `${skippedSteps} of ${steps}` },
  { name: 'final loss scale', value: ({ finalScale }) => formatScale(finalScale) },
];

function score(name: 'accuracy' | 'precision' | 'recall' | 'f1'): Measure {
  return {
    name: name === 'f1' ? 'F1' : name,
    value: (mode) => formatShare(mode[name]),
    change: (mode, baseline) => `${formatSigned(100 * (mode[name] - baseline[name]), 2)} pp`,
  };
}

function duration(name: string, key: 'trainSeconds' | 'evalSeconds'): Measure {
  return {
    name,
    value: (mode) => formatSeconds(mode[key]),
    change: (mode, baseline) => formatChange(mode[key], baseline[key]),
  };
}

function bytes(name: string, of: (held: Bytes) => number): Measure {
  return {
    name,
    value: (mode) => formatBytes(of(mode.bytes)),
    change: (mode, baseline) => formatChange(of(mode.bytes), of(baseline.bytes)),
  };
}
