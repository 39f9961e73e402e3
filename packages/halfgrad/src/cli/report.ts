import pc from 'picocolors';
import type { ComparisonReport, EpochLog } from '../experiments/comparison.ts';
import { renderConfusions } from './confusion.ts';
import { formatCount, formatScale } from './format.ts';
import { renderMeasures } from './measures.ts';
import { fill } from './text.ts';
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

/** The whole report as text: what was run, the measures, the confusion matrices, and the verdicts at the end. */
export function renderReport(report: ComparisonReport, options: Partial<RenderOptions> = {}): string {
  const settings: RenderOptions = { colors: pc, columns: 100, ...options };
  const modes = report.modes.toSorted((a, b) => Number(b.mode === 'none') - Number(a.mode === 'none'));
  const matrices = modes.map(({ mode, confusion }) => ({ name: mode, matrix: confusion }));
  const sections = [
    heading(report, settings),
    renderMeasures(modes, settings.colors),
    renderConfusions(matrices, report.data.classes, settings),
    renderVerdicts(report, settings),
  ];
  return sections.flatMap((lines) => (lines.length > 0 ? [lines.join('\n')] : [])).join('\n\n');
}

function heading(
  { data, model, settings, device, isEmulated }: ComparisonReport,
  { colors, columns }: RenderOptions,
): string[] {
  const { seeds, epochs, batch, lossFactor, lossScale } = settings;
  const facts = [
    `${formatCount(data.train)} training and ${formatCount(data.test)} test images`,
    `${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`,
    `batch ${batch}`,
    `${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}`,
    ...(lossFactor === 1 ? [] : [`loss x ${formatScale(lossFactor)}`]),
    ...(lossScale ? [] : ['no loss scale']),
    isEmulated ? `${device}, which emulates 16-bit arithmetic` : device,
  ];
  return [colors.bold(`${model} on ${data.name}`), ...fill(facts, ' · ', columns).map(colors.dim)];
}
