import { setDefaultDevice } from '@halfgrad/core';
import { openWhole } from '@halfgrad/io';
import { type Command, Option } from 'commander';
import { openDevice } from '../devices.ts';
import { compare } from '../experiments/compare.ts';
import type { ComparisonReport } from '../experiments/comparison.ts';
import { loadExperimentData } from '../experiments/load-data.ts';
import { type ModeName, modeNames } from '../experiments/modes.ts';
import { type ModelName, modelNames } from '../experiments/train.ts';
import { parseCount, parseModes, parseNumber, parsePositive } from './options.ts';
import { createProgress } from './progress.ts';
import { renderReport } from './report.ts';

interface CompareFlags {
  readonly modes: readonly ModeName[];
  readonly useAmp?: boolean;
  readonly model: ModelName;
  readonly device: (typeof comparableDevices)[number];
  readonly data?: string;
  readonly train?: number;
  readonly test?: number;
  readonly seeds: number;
  readonly epochs: number;
  readonly batch: number;
  readonly lr: number;
  readonly lossFactor: number;
  readonly lossScale: boolean;
  readonly json?: boolean;
  readonly output?: string;
  readonly check?: boolean;
}

/** The devices that can be read without waiting, as the progress line needs it. */
const comparableDevices = ['cpu', 'wasm'] as const;

/** Adds `halfgrad compare` to the program. */
export function addCompareCommand(program: Command): void {
  program
    .command('compare')
    .description('train one model in float32, with automatic and with manual mixed precision, and judge them')
    .option('--modes <list>', 'which of none, automatic, manual', parseModes, [...modeNames])
    .option('--use-amp', 'train one mode only, with the single switch on')
    .option('--no-use-amp', 'train one mode only, with the single switch off')
    .addOption(new Option('--model <name>', 'what to train').choices(modelNames).default('small-cnn'))
    .addOption(new Option('--device <name>', 'where to train').choices(comparableDevices).default('cpu'))
    .option('--data <dir>', 'read CIFAR-10 binary batches instead of drawing images')
    .option('--train <count>', 'how many training images', parseCount)
    .option('--test <count>', 'how many test images', parseCount)
    .option('--seeds <count>', 'how many seeds, from 1', parseCount, 1)
    .option('--epochs <count>', 'passes over the training images', parseCount, 3)
    .option('--batch <count>', 'images per step', parseCount, 32)
    .option('--lr <number>', 'learning rate of SGD with momentum 0.9', parsePositive, 0.01)
    .option(
      '--loss-factor <number>',
      'shrink the loss before backward, and enlarge the gradients again after',
      parseNumber,
      1,
    )
    .option('--no-loss-scale', 'train float16 without a loss scale, to see what it is for')
    .option('--json', 'print the report as JSON')
    .option('--output <file>', 'also write the report as JSON')
    .option('--check', 'exit with 1 if a criterion fails, with 3 if one stays inconclusive')
    .addHelpText('after', examples)
    .action(run);
}

const examples = `
Examples:
  halfgrad compare --epochs 3 --seeds 3
  halfgrad compare --data cifar-10-batches-bin --model resnet8 --use-amp
  halfgrad compare --loss-factor 2^-16 --no-loss-scale   float16 loses its small gradients`;

async function run(flags: CompareFlags): Promise<void> {
  const write = flags.output === undefined ? undefined : await openWhole(flags.output);
  setDefaultDevice(await openDevice(flags.device));
  const data = await loadExperimentData(flags);
  const options = {
    ...flags,
    modes: selectedModes(flags),
    seeds: Array.from({ length: flags.seeds }, (_, i) => i + 1),
    momentum: 0.9,
    weightDecay: 5e-4,
  };
  const report = compare(data, options, createProgress(process.stderr));
  const json = `${JSON.stringify(report, null, 2)}\n`;
  await write?.(json);
  process.stdout.write(flags.json ? json : `\n${renderReport(report)}\n`);
  if (flags.check) process.exitCode = checkCode(report);
}

function selectedModes({ modes, useAmp }: CompareFlags): readonly ModeName[] {
  if (useAmp === undefined) return modes;
  return useAmp ? ['automatic'] : ['none'];
}

function checkCode({ verdicts }: ComparisonReport): number {
  const found = new Set(verdicts.flatMap(({ criteria }) => criteria.map(({ verdict }) => verdict)));
  if (found.has('fail')) return 1;
  return found.has('inconclusive') ? 3 : 0;
}
