// Checks every publishable package as its users will receive it: publint reads the manifest, attw resolves the types.
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

const folders = globSync('packages/*/package.json')
  .filter((manifest) => !JSON.parse(readFileSync(manifest, 'utf8')).private)
  .map((manifest) => dirname(manifest))
  .sort();

let failed = false;
for (const folder of folders) {
  report(folder, spawnSync('publint', ['--strict', folder], { encoding: 'utf8' }));
  report(folder, spawnSync('attw', ['--pack', folder, '--profile', 'esm-only'], { encoding: 'utf8' }));
}
process.exit(failed ? 1 : 0);

function report(folder, { status, error, stdout, stderr }) {
  if (status === 0) return;
  failed = true;
  console.error(`${folder}:\n${error ?? stdout + stderr}`);
}
