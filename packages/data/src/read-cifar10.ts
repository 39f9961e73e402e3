import { TensorError } from '@halfgrad/core';
import { parseCifar10 } from './cifar10.ts';
import { concatImages, type LabelledImages } from './labelled-images.ts';

export interface Cifar10 {
  readonly train: LabelledImages;
  readonly test: LabelledImages;
}

/**
 * Reads CIFAR-10 from a folder, in Node.
 *
 * Training images are those of all `data_batch_*.bin`, or if there are none of all `train*.bin`, in the order of their
 * names. Test images are those of `test_batch.bin`, or if it is missing of the largest `test*.bin`.
 *
 * @throws TensorError `invalid-file` when the folder or one of the two sets is missing, or a file is not in the format.
 */
export async function readCifar10(folder: string): Promise<Cifar10> {
  const fs = fileSystem();
  const names = await listFolder(fs, folder);
  const files = await Promise.all(
    names
      .filter((name) => name.endsWith('.bin'))
      .map(async (name) => ({ name, ...(await fs.stat(`${folder}/${name}`)) })),
  );
  const batches = files.filter(({ name }) => name.startsWith('data_batch_'));
  const training = batches.length > 0 ? batches : files.filter(({ name }) => name.startsWith('train'));
  const tests = files.filter(({ name }) => name.startsWith('test')).sort((a, b) => b.size - a.size);
  const test = tests.find(({ name }) => name === 'test_batch.bin') ?? tests[0];

  const read = async ({ name }: { readonly name: string }): Promise<LabelledImages> =>
    parseCifar10(await fs.readFile(`${folder}/${name}`), { name: `${folder}/${name}` });
  const [first, ...others] = await Promise.all(training.map(read));
  if (!first) throw missingError(folder, 'training images (data_batch_*.bin or train*.bin)', names);
  if (!test) throw missingError(folder, 'test images (test_batch.bin or test*.bin)', names);
  return { train: concatImages([first, ...others]), test: await read(test) };
}

/** What is used of `node:fs/promises`. */
interface FileSystem {
  readdir(path: string): Promise<string[]>;
  readFile(path: string): Promise<Uint8Array>;
  stat(path: string): Promise<{ readonly size: number }>;
}

interface NodeGlobals {
  readonly process?: { getBuiltinModule?(id: 'node:fs/promises'): FileSystem };
}

/** Node's file system without an import, which bundlers for browsers would stumble over. */
function fileSystem(): FileSystem {
  const fs = (globalThis as NodeGlobals).process?.getBuiltinModule?.('node:fs/promises');
  if (fs) return fs;
  throw new TensorError(
    'invalid-file',
    'readCifar10: there is no file system here. Fetch the files, and give their bytes to parseCifar10.',
  );
}

async function listFolder(fs: FileSystem, folder: string): Promise<string[]> {
  try {
    return (await fs.readdir(folder)).sort();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const problem =
      code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is not a folder' : `cannot be read (${code})`;
    throw new TensorError(
      'invalid-file',
      `readCifar10: ${folder} ${problem}. Give the folder that the binary version of CIFAR-10 was unpacked to.`,
      { cause },
    );
  }
}

function missingError(folder: string, missing: string, names: readonly string[]): TensorError {
  const shown = names.slice(0, 5).join(', ') + (names.length > 5 ? `, … (${names.length} entries)` : '');
  const found = names.length === 0 ? 'the folder is empty' : `found ${shown}`;
  return new TensorError('invalid-file', `readCifar10: ${folder} has no ${missing}; ${found}. ${fixFor(names)}`);
}

/** The folders and files that people have when they have another version, or have not looked inside. */
function fixFor(names: readonly string[]): string {
  if (names.includes('cifar-10-batches-bin')) return 'Give its folder cifar-10-batches-bin.';
  if (names.some((name) => name.endsWith('.tar.gz'))) return 'Unpack the archive, and give the folder inside.';
  if (names.includes('data_batch_1')) return 'These are the files of the Python version: get the binary version.';
  return 'Get the binary version of CIFAR-10 and unpack it: https://www.cs.toronto.edu/~kriz/cifar.html';
}
