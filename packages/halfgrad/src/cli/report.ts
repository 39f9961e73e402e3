import pc from 'picocolors';
import {
  type ComparisonReport,
  type Criterion,
  type EpochLog,
  type ModeSummary,
  totalBytes,
} from '../experiments/comparison.ts';
import { renderConfusions } from './confusion.ts';
import { formatBytes, formatChange, formatCount, formatScale, formatSeconds, formatShare, formatSigned } from './format.ts';
import { renderTable } from './table.ts';
import { wrap } from './text.ts';
import type { RenderOptions } from './theme.ts';
import { renderVerdicts } from './verdicts.ts';

/** One epoch as one line of the progress. */
export function renderEpoch(log: EpochLog): string {
  const { mode, seed, epoch, epochs, loss, imagesPerSecond, scale, skippedSteps, steps } = log;
  return [
    mode.padEnd(9),
    `seed ${seed}`,
    `epoch ${epoch}/${epochs}`,
    `loss ${loss.toFixed(3)}`,
    `${imagesPerSecond.toFixed(0).padStart(5)} images/s`,
    `loss scale ${formatScale(scale).padEnd(4)}`,
    `skipped ${skippedSteps} of ${steps}`,
  ].join('  ');
}

/** The whole report as text: what was run, the table of measures, the confusion matrices, the verdicts. */
export function renderReport(report: ComparisonReport, options: Partial<RenderOptions> = {}): string {
  const settings: RenderOptions = { colors: pc, columns: 100, ...options };
  const matrices = report.modes.map(({ mode, confusion }) => ({ name: mode, matrix: confusion }));
  const sections = [
    heading(report, settings),
    measures(report, settings),
    section('confusion', renderConfusions(matrices, report.data.classes, settings), settings),
    renderVerdicts(report, settings),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

export type { Criterion };
