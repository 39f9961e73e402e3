// Builds headless-gl, which gives Node a WebGL 2 context, for the Node that runs this script. Does nothing where it
// loads already, and never fails: without it the GPU tests in Node are skipped, for the reason printed here.
//
//   node scripts/build-gl.mjs
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { arch, execPath, platform, version, versions } = process;
const backend = new URL('../packages/backend-gpu/package.json', import.meta.url);
const glPackage = locate(backend, 'gl/package.json');

if (!glPackage) skip('it is not installed');
if (!loads()) {
  const gyp = locate(glPackage, 'node-gyp/bin/node-gyp.js');
  // node-gyp lets this variable, which npm's configuration may set for another Node, win over its own --nodedir.
  const env = { ...process.env, npm_config_nodedir: nodeHeaders() };
  const { status, stdout, stderr } = spawnSync(execPath, [gyp, 'rebuild'], {
    cwd: dirname(glPackage),
    env,
    encoding: 'utf8',
  });
  if (status !== 0)
    skip(`it did not compile. It needs python3, make and a C++ compiler:\n${lastLines(stdout + stderr)}`);
  if (!loads()) skip(`what was compiled does not load in Node ${version}`);
  console.log(`Built gl for Node ${version}.`);
}

/** The folder that holds `include/node` for this Node: beside it, where its npm package left it, or fetched from npm. */
function nodeHeaders() {
  const name = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  const beside = join(dirname(execPath), '..');
  const cache = fileURLToPath(new URL('../node_modules/.cache/node-headers', import.meta.url));
  const fetched = join(cache, 'node_modules', name);
  const places = [beside, join(beside, 'node_modules', name), fetched];
  const found = places.find(hasHeaders);
  if (found) return found;
  const shell = platform === 'win32';
  spawnSync('npm', ['install', '--no-save', '--ignore-scripts', '--prefix', cache, `${name}@${versions.node}`], {
    shell,
  });
  return hasHeaders(fetched) ? fetched : undefined;
}

function hasHeaders(folder) {
  const file = join(folder, 'include', 'node', 'node_version.h');
  return existsSync(file) && readFileSync(file, 'utf8').includes(`NODE_MODULE_VERSION ${versions.modules}\n`);
}

function loads() {
  return spawnSync(execPath, ['-e', 'require("gl")'], { cwd: dirname(fileURLToPath(backend)) }).status === 0;
}

function locate(from, specifier) {
  try {
    return createRequire(from).resolve(specifier);
  } catch {
    return undefined;
  }
}

function lastLines(text) {
  return text.trim().split('\n').slice(-8).join('\n');
}

function skip(reason) {
  console.log(`Headless WebGL (gl) is not available in Node: ${reason}`);
  process.exit(0);
}
