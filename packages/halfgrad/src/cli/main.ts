#!/usr/bin/env node
import { TensorError } from '@halfgrad/core';
import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import { addCheckCommand } from './check-command.ts';
import { addCompareCommand } from './compare-command.ts';
import { addDoctorCommand } from './doctor-command.ts';

/** What the command exits with, apart from 0. */
const exitCodes = { failed: 1, usage: 2 } as const;

const program = new Command('halfgrad')
  .description('Mixed precision you can watch: experiments and tools of the halfgrad framework')
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(halfgrad --help lists the commands, halfgrad <command> --help its options)');
addCheckCommand(program);
addCompareCommand(program);
addDoctorCommand(program);
for (const command of program.commands)
  command.exitOverride().showHelpAfterError(`(halfgrad ${command.name()} --help lists the options)`);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong; commander has already printed its own messages. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  if (!(error instanceof TensorError)) throw error;
  process.stderr.write(`${pc.red('error')} ${error.message}\n`);
  return error.code === 'invalid-argument' || error.code === 'invalid-file' ? exitCodes.usage : exitCodes.failed;
}
