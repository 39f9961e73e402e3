// Runs a script of package.json on a machine that has only Node and npm: installs what is missing, then hands over
// to pnpm, which puts the Node of this repository first on the PATH.
//
//   node scripts/launch.mjs <script> [arguments]
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const { packageManager } = JSON.parse(read('package.json'));

if (Number.parseInt(process.versions.node, 10) < 20) {
  fail(`Node 20 or later is needed to install halfgrad; this is ${process.version}.`);
}

if (read('node_modules/.pnpm/lock.yaml') !== read('pnpm-lock.yaml')) {
  pnpm(
    ['install', '--frozen-lockfile'],
    'Installing the dependencies failed for the reason above. It needs the npm registry: does `npm ping` reach it?',
  );
}
pnpm(['--silent', 'run', ...process.argv.slice(2)]);

function pnpm(args, problem) {
  const windows = process.platform === 'win32';
  const { status, error } = spawnSync('npx', ['-y', packageManager, ...args], {
    cwd: fileURLToPath(root),
    stdio: 'inherit',
    shell: windows,
  });
  if (error) fail(`npx could not be started (${error.message}). It comes with npm: install Node.js together with npm.`);
  if (status !== 0) {
    if (problem) console.error(`\n${problem}`);
    process.exit(status ?? 1);
  }
}

function read(path) {
  try {
    return readFileSync(new URL(path, root), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
