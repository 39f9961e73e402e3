import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TensorError } from '@halfgrad/core';
import {
  type CreateScaler,
  checkScaler,
  openRemoteScaler,
  renderJunit,
  renderOutcome,
  renderSummary,
} from '@halfgrad/testing/scaler-check';
import { type Command, Option } from 'commander';
import { parseCount, parseNumber } from './options.ts';

interface CheckOptions {
  readonly cases: number;
  readonly seed: number;
  readonly report?: 'junit' | 'json';
  readonly json?: boolean;
  readonly stdio?: string;
}

/** Adds `halfgrad check scaler` to the program. */
export function addCheckCommand(program: Command): void {
  const check = program.command('check').description('judge code of your own by properties that correct code has');
  check
    .command('scaler')
    .description('judge a gradient scaler: exits with 0 when all properties hold, with 1 when one does not')
    .argument('[file]', 'a module that exports createScaler(options, state); see examples/own-scaler.ts')
    .option('--stdio <command>', 'judge a process that speaks JSON lines instead, in any language')
    .option('--cases <count>', 'how many cases each property is tried on', parseCount, 300)
    .option('--seed <number>', 'the same seed gives the same cases', parseNumber, 0)
    .addOption(new Option('--report <format>', 'print a report for machines').choices(['junit', 'json']))
    .option('--json', 'short for --report json')
    .exitOverride()
    .showHelpAfterError('(halfgrad check scaler --help lists the options)')
    .action(async (file: string | undefined, options: CheckOptions) => {
      process.exitCode = (await judge(file, options)) ? 0 : 1;
    });
}

async function judge(file: string | undefined, options: CheckOptions): Promise<boolean> {
  if ((file === undefined) === (options.stdio === undefined)) {
    throw new TensorError('invalid-argument', 'check scaler: give either a file or --stdio "command"');
  }
  const format = options.json ? 'json' : options.report;
  const remote = options.stdio === undefined ? undefined : openRemoteScaler(options.stdio);
  try {
    const create = remote?.create ?? (await load(file as string));
    const report = await checkScaler(create, {
      cases: options.cases,
      seed: options.seed,
      onOutcome(outcome) {
        if (!format) process.stdout.write(renderOutcome(outcome));
      },
    });
    if (format === 'json') process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    else process.stdout.write(format === 'junit' ? renderJunit(report) : renderSummary(report));
    return report.holds;
  } finally {
    remote?.close();
  }
}

async function load(file: string): Promise<CreateScaler> {
  const path = resolve(file);
  let module: { readonly createScaler?: unknown };
  try {
    module = await import(pathToFileURL(path).href);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new TensorError('invalid-file', `check scaler: ${file} cannot be loaded: ${message}`, { cause });
  }
  if (typeof module.createScaler !== 'function') {
    throw new TensorError('invalid-file', `check scaler: ${file} does not export a function createScaler`);
  }
  return module.createScaler as CreateScaler;
}
