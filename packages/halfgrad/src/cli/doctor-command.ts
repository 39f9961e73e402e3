import type { Command } from 'commander';
import pc from 'picocolors';
import { type DeviceReport, examineDevices } from '../devices.ts';

/** Adds `halfgrad doctor` to the program. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('list the devices, what each supports here, and why one is missing')
    .option('--json', 'print it as JSON')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const devices = await examineDevices();
      process.stdout.write(
        json ? `${JSON.stringify({ schema: 'halfgrad.doctor/1', devices }, null, 2)}\n` : renderDevices(devices),
      );
    });
}

function renderDevices(devices: readonly DeviceReport[]): string {
  const lines = devices.flatMap((device) =>
    device.isAvailable
      ? [
          `${pc.green('available')}  ${pc.bold(device.name.padEnd(4))}  ${device.notes.join('; ')}`,
          `                 ${device.dtypes.join(' ')}`,
        ]
      : [`${pc.yellow('missing')}    ${pc.bold(device.name.padEnd(4))}  ${device.reason}`],
  );
  return `${lines.join('\n')}\n`;
}
