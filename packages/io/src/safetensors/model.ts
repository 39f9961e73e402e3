import type { Tensor } from '@halfgrad/core';
import type { Source } from '../source.ts';
import { openSafetensors, type SafetensorsFile } from './read.ts';
import { saveSafetensors } from './write.ts';

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
  // Libraries that load for several frameworks look for the format before anything else.
  await saveSafetensors(path, model.stateDict(), { metadata: { format: 'pt', ...metadata }, integers: 'I64' });
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
  const file = await openSafetensors(source);
  try {
    const current = model.stateDict();
    const loaded = await readRenamed(file, current, rename);
    return model.loadStateDict({ ...loaded, ...tiedTo(loaded, current) }, options);
  } finally {
    await file.close();
  }
}

/** The tensors under the model's names, each on the device where the model has it. */
async function readRenamed(
  file: SafetensorsFile,
  current: State,
  rename: (name: string) => string | undefined,
): Promise<State> {
  const loaded: [string, Tensor][] = [];
  for (const name of file.entries.keys()) {
    const target = rename(name);
    if (target === undefined) continue;
    const device = Object.hasOwn(current, target) ? current[target]?.device : undefined;
    loaded.push([target, await file.read(name, device ? { device } : {})]);
  }
  return Object.fromEntries(loaded);
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
