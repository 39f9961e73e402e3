import { scope, Tensor, TensorError } from '@halfgrad/core';
import { writeWhole } from './open-whole.ts';
import { createTensors, openSafetensors, type TensorElements } from './safetensors/read.ts';
import { concat, encodePieces } from './safetensors/write.ts';
import type { Source } from './source.ts';
import { flattenState, maxTreeDepth, restoreTree } from './state-tree.ts';
import { parseStrictJson } from './strict-json.ts';
import { isRecord, show } from './untrusted.ts';

/** What models, optimizers, scalers and schedulers have in common. `loadStateDict` throws or takes over everything. */
export interface Stateful {
  stateDict(): object;
  loadStateDict(state: object): unknown;
}

/** What random generators have instead. */
export interface Positioned {
  state(): object;
  setState(state: object): unknown;
}

/**
 * What a run consists of, under names of one's own: things with state, and plain data such as `{ epoch: 3 }`. Parts that
 * are undefined are left out.
 */
export type CheckpointParts = Readonly<Record<string, Stateful | Positioned | object | undefined>>;

/** The parts that are plain data. */
export type PlainParts<P extends CheckpointParts> = {
  readonly [K in keyof P as P[K] extends Stateful | Positioned | undefined ? never : K]: P[K];
};

/** Where the JSON is in the metadata; files without it are no checkpoints. */
const metadataKey = 'halfgrad.checkpoint';

const version = 1;

/** The object of the note and that of the parts are around the trees. */
const maxNoteDepth = maxTreeDepth + 2;

/**
 * Writes everything that a run needs to go on, whole or not at all, as one safetensors file:
 *
 *     await saveCheckpoint('run.safetensors', { model, optimizer, scaler, scheduler, generator, progress: { step } });
 *
 * A run that is resumed from it computes the same bits as one that was not interrupted. Batches need no state: those of
 * `loader.batches(epoch)` depend on the seed and the epoch only.
 *
 * @throws TensorError `invalid-argument` for data that is not plain.
 */
export async function saveCheckpoint(path: string, parts: CheckpointParts): Promise<void> {
  await writeWhole(path, await encodeParts(parts));
}

/** The bytes of a checkpoint, where there are no files. */
export async function encodeCheckpoint(parts: CheckpointParts): Promise<Uint8Array> {
  return concat(await encodeParts(parts));
}

/**
 * Gives the parts the state that they were saved with; parts of the file that are not asked for are not read.
 *
 *     const { progress } = await loadCheckpoint('run.safetensors', { model, optimizer, progress: { step: 0 } });
 *
 * @param parts plain data stands for its own type, and is returned as it was saved.
 * @throws TensorError when the file is no checkpoint, or a part does not fit; then no part has changed.
 */
export async function loadCheckpoint<P extends CheckpointParts>(source: Source, parts: P): Promise<PlainParts<P>> {
  const wanted = presentParts(parts);
  const { trees, elements } = await readParts(
    source,
    wanted.map(([name]) => name),
  );
  // What the parts do not keep, and the copies of what they had, end with the scope.
  return scope(() => {
    const tensors = createTensors(elements, () => undefined);
    const stateful: Loading[] = [];
    const plain: [string, unknown][] = [];
    for (const [name, part] of wanted) {
      const state = restoreTree(trees[name], tensors);
      const access = accessTo(part);
      requireLike(access ? {} : part, state, name);
      if (access) stateful.push({ ...access, name, state: state as object });
      else plain.push([name, state]);
    }
    loadAll(stateful);
    return Object.fromEntries(plain) as PlainParts<P>;
  });
}

interface Access {
  readonly get: () => object;
  readonly set: (state: object) => void;
}

interface Loading extends Access {
  readonly name: string;
  readonly state: object;
}

/** How to reach the state of a part, or undefined for plain data. */
function accessTo(part: object): Access | undefined {
  if (isStateful(part)) return { get: () => part.stateDict(), set: (state) => part.loadStateDict(state) };
  if (isPositioned(part)) return { get: () => part.state(), set: (state) => part.setState(state) };
  return undefined;
}

function isStateful(part: object): part is Stateful {
  return 'stateDict' in part && 'loadStateDict' in part;
}

function isPositioned(part: object): part is Positioned {
  return 'state' in part && 'setState' in part;
}

function presentParts(parts: CheckpointParts): [name: string, part: object][] {
  return Object.entries(parts).flatMap(([name, part]): [string, object][] => (part ? [[name, part]] : []));
}

/** The pieces of a file; the copies that the parts give of their state end with the scope. */
function encodeParts(parts: CheckpointParts): Promise<Uint8Array[]> {
  return scope(() => {
    const states = presentParts(parts).map(([name, part]) => [name, accessTo(part)?.get() ?? part]);
    const { json, tensors } = flattenState(Object.fromEntries(states));
    return encodePieces(tensors, { metadata: { [metadataKey]: JSON.stringify({ version, parts: json }) } });
  });
}

interface SavedParts {
  /** The state of each part, in which names stand for the tensors. */
  readonly trees: Readonly<Record<string, unknown>>;
  /** The tensors of the parts that are wanted. */
  readonly elements: ReadonlyMap<string, TensorElements>;
}

async function readParts(source: Source, names: readonly string[]): Promise<SavedParts> {
  const file = await openSafetensors(source);
  try {
    const trees = parseMetadata(file.metadata);
    const missing = names.filter((name) => !Object.hasOwn(trees, name));
    if (missing.length > 0) {
      throw misfit(`the file has no ${show(missing)}; it has ${show(Object.keys(trees))}`);
    }
    const isWanted = (tensor: string): boolean =>
      names.some((name) => tensor === name || tensor.startsWith(`${name}.`));
    return { trees, elements: await file.readElements(isWanted) };
  } finally {
    await file.close();
  }
}

function parseMetadata(metadata: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const text = Object.hasOwn(metadata, metadataKey) ? metadata[metadataKey] : undefined;
  if (text === undefined) {
    throw invalidCheckpoint('the file was not written by saveCheckpoint. Load it with loadModel or loadSafetensors.');
  }
  const content = parseContent(text);
  const { version: found, parts } = isRecord(content) ? content : {};
  if (found !== version) throw invalidCheckpoint(`the file is of version ${show(found)}, this can read ${version}`);
  if (!isRecord(parts)) throw invalidCheckpoint('the file has no parts');
  return parts;
}

function parseContent(text: string): unknown {
  try {
    return parseStrictJson(text, maxNoteDepth);
  } catch (cause) {
    throw invalidCheckpoint(`its metadata is not valid: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function invalidCheckpoint(problem: string, options?: ErrorOptions): TensorError {
  return new TensorError('invalid-file', `checkpoint: ${problem}`, options);
}

/** Loads one part after the other. When one refuses, those before it get back what they had. */
function loadAll(parts: readonly Loading[]): void {
  const before = parts.map((part) => ({ ...part, state: part.get() }));
  parts.forEach(({ name, set, state }, i) => {
    try {
      set(state);
    } catch (cause) {
      for (const part of before.slice(0, i)) part.set(part.state);
      // What does not check its state stumbles over it.
      throw cause instanceof TensorError ? cause : misfit(`"${name}" cannot take its state: ${cause}`, { cause });
    }
  });
}

/** Refuses saved data that could not be used where `like` is: of another kind, or without one of its keys. */
function requireLike(like: unknown, saved: unknown, path: string): void {
  if (like === null || like === undefined) return;
  const [expected, found] = [kindOf(like), kindOf(saved)];
  if (expected !== found) throw misfit(`"${path}" is ${found}, should be ${expected}`);
  if (expected !== 'an object') return;
  for (const [key, value] of Object.entries(like)) {
    requireLike(value, isRecord(saved) && Object.hasOwn(saved, key) ? saved[key] : undefined, `${path}.${key}`);
  }
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (value instanceof Tensor) return 'a tensor';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function misfit(problem: string, options?: ErrorOptions): TensorError {
  return new TensorError('invalid-argument', `loadCheckpoint: ${problem}`, options);
}
