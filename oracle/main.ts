import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sharedFile } from '@halfgrad/testing';
import { devices } from './devices.ts';
import { type DeviceResults, renderPage } from './page.ts';
import { renderDetails, renderJson, renderLine } from './report.ts';
import { runSuite, type SuiteResult } from './run.ts';
import { documentedDevices, suites } from './suites.ts';

/** What the command exits with, apart from 0. */
const exitCodes = { failed: 1, usage: 2 } as const;

const page = fileURLToPath(new URL('../docs/tables/oracle.md', import.meta.url));

const usage = `pnpm oracle [options]

Holds the library against answers that others recorded, and says what it gives otherwise.

  --suite NAME   only this one; may be given several times
  --device NAME  ${Object.keys(devices).join(', ')} (default cpu)
  --verbose      every failure, and the names of the cases that are not supported
  --json         everything as JSON
  --write-docs   runs on ${documentedDevices.join(' and ')}, and writes docs/tables/oracle.md

Suites: ${suites.map(({ name }) => name).join(', ')}
`;

// A reader that has seen enough, such as head, closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n`);
    return exitCodes.usage;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const missing = options.suites.flatMap(({ files }) => files).filter((file) => !existsSync(sharedFile(file)));
  if (missing.length > 0) {
    const list = missing.map((file) => `  ${sharedFile(file)}`).join('\n');
    process.stderr.write(`The recorded answers are missing:\n${list}\nSet HALFGRAD_SHARED to their folder.\n`);
    return exitCodes.usage;
  }
  const runs: DeviceResults[] = [];
  for (const device of options.devices) runs.push(await runOn(device, options));
  if (options.writeDocs) {
    mkdirSync(dirname(page), { recursive: true });
    writeFileSync(page, renderPage(runs));
  }
  return runs.some(({ results }) => results.some(({ failed }) => failed.length > 0)) ? exitCodes.failed : 0;
}

interface Options {
  readonly help: boolean;
  readonly suites: typeof suites;
  readonly devices: readonly string[];
  readonly verbose: boolean;
  readonly json: boolean;
  readonly writeDocs: boolean;
}

/** What the command line asks for, or what is wrong with it. */
function readOptions(): Options | string {
  try {
    const { values } = parseArgs({
      options: {
        help: { type: 'boolean', default: false },
        suite: { type: 'string', multiple: true, default: [] },
        device: { type: 'string', default: 'cpu' },
        verbose: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        'write-docs': { type: 'boolean', default: false },
      },
    });
    const { suite: names, device, 'write-docs': writeDocs, ...switches } = values;
    const unknown = names.find((name) => !suites.some((suite) => suite.name === name));
    if (unknown !== undefined)
      return `There is no suite ${unknown}. Use one of ${suites.map(({ name }) => name).join(', ')}.`;
    if (!Object.hasOwn(devices, device))
      return `There is no device ${device}. Use one of ${Object.keys(devices).join(', ')}.`;
    return {
      ...switches,
      writeDocs,
      suites: names.length > 0 && !writeDocs ? suites.filter(({ name }) => names.includes(name)) : suites,
      devices: writeDocs ? documentedDevices : [device],
    };
  } catch (error) {
    return `${(error as Error).message}. See pnpm oracle --help.`;
  }
}

/** Runs the suites, saying how each went as soon as it is known. */
async function runOn(name: string, { suites: chosen, verbose, json, writeDocs }: Options): Promise<DeviceResults> {
  const device = await devices[name]?.();
  if (!device) throw new Error(`no device ${name}`);
  const width = Math.max(...chosen.map((suite) => suite.name.length));
  const print = (line: string): void => void (json || process.stdout.write(`${line}\n`));
  if (writeDocs) print(`on ${name}`);
  const results: SuiteResult[] = [];
  for (const suite of chosen) {
    const result = await runSuite(suite, device);
    results.push(result);
    print(renderLine(result, width));
  }
  for (const line of renderDetails(results, verbose)) print(line);
  if (json) process.stdout.write(`${renderJson(name, results)}\n`);
  return { device: name, results };
}
