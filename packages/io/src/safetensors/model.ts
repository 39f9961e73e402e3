import { type Device, scope, type Tensor, TensorError } from '@halfgrad/core';
import { writeWhole } from '../open-whole.ts';
import type { Source } from '../source.ts';
import { createTensors, openSafetensors, type TensorElements } from './read.ts';
import { encodePieces, type SafetensorsOptions } from './write.ts';

type State = Readonly<Record<string, Tensor>>;

/** What is needed of a model: its state under PyTorch's names. */
export interface SavableModel {
  stateDict(): State;
}

/** What is needed of a model to load it; the report is whatever it returns. */
export interface LoadableModel<Report> extends SavableModel {
  loadStateDict(state: State, options?: { readonly strict?: boolean }): Report;
}

export interface SaveModelOptions {
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface LoadModelOptions {
  /** Whether tensors that the model lacks, or lacks in the file, are errors. */
  readonly strict?: boolean;
  /** The model's name for a name of the file; undefined leaves the tensor out. */
  readonly rename?: (name: string) => string | undefined;
}

/**
 * Writes a model for PyTorch to load: its names, its layouts, and int32 counters as the I64 that PyTorch has there
 * (`safetensors.torch.save_model`). Tied weights are written once.
 */
export async function saveModel(path: string, model: SavableModel, { metadata }: SaveModelOptions = {}): Promise<void> {
  const options: SafetensorsOptions = {
    // Libraries that load for several frameworks look for the format before anything else.
    metadata: { format: 'pt', ...metadata },
    integers: 'I64',
  };
  const pieces = await scope(() => encodePieces(model.stateDict(), options));
  await writeWhole(path, pieces);
}

/**
 * Loads a model from a file that this library or PyTorch wrote (`safetensors.torch.load_model`): tensors are cast to the
 * model's dtypes, and a weight that the model ties to another need not be in the file.
 *
 * @returns what `model.loadStateDict` returns.
 * @throws TensorError as `openSafetensors` and `model.loadStateDict` do; then the model did not change.
 */
export async function loadModel<Report>(
  source: Source,
  model: LoadableModel<Report>,
  { rename = (name) => name, ...options }: LoadModelOptions = {},
): Promise<Report> {
  const elements = renamed(await readElements(source, rename), rename);
  return scope(() => {
    const current = model.stateDict();
    const deviceOf = (name: string): Device | undefined =>
      Object.hasOwn(current, name) ? current[name]?.device : undefined;
    const loaded = createTensors(elements, deviceOf);
    return model.loadStateDict({ ...loaded, ...tiedTo(loaded, current) }, options);
  });
}

type Rename = (name: string) => string | undefined;

async function readElements(source: Source, rename: Rename): Promise<ReadonlyMap<string, TensorElements>> {
  const file = await openSafetensors(source);
  try {
    return await file.readElements((name) => rename(name) !== undefined);
  } finally {
    await file.close();
  }
}

function renamed(elements: ReadonlyMap<string, TensorElements>, rename: Rename): ReadonlyMap<string, TensorElements> {
  const result = new Map<string, TensorElements>();
  for (const [name, value] of elements) {
    const target = rename(name) ?? name;
    if (result.has(target)) {
      throw new TensorError('invalid-argument', `loadModel: rename gives two tensors the name "${target}"`);
    }
    result.set(target, value);
  }
  return result;
}

/** What the model has under two names, and the file under the other one of them. */
function tiedTo(loaded: State, current: State): State {
  const byTensor = new Map<Tensor, Tensor>();
  for (const [name, tensor] of Object.entries(current)) {
    const value = Object.hasOwn(loaded, name) ? loaded[name] : undefined;
    if (value) byTensor.set(tensor, value);
  }
  const missing = Object.entries(current).filter(([name]) => !Object.hasOwn(loaded, name));
  return Object.fromEntries(
    missing.flatMap(([name, tensor]) => {
      const value = byTensor.get(tensor);
      return value ? [[name, value]] : [];
    }),
  );
}
