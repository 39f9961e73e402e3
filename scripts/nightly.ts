import { spawnSync } from 'node:child_process';

// What takes too long for every change: the scaler kit with 10,000 cases for each property.
const { status } = spawnSync('vitest', ['run', '--project', 'unit', 'examples/own-scaler.test.ts'], {
  env: { ...process.env, HALFGRAD_CASES: '10000' },
  stdio: 'inherit',
  shell: true,
});
process.exitCode = status ?? 1;
