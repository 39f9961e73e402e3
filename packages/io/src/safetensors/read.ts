import { type Device, fromHost, type HostData, type Tensor, TensorError, type TensorSpec } from '@halfgrad/core';
import { decodeElements, dtypeOf } from '../elements.ts';
import { type OpenSource, openSource, type Source } from '../source.ts';
import { show } from '../untrusted.ts';
import { elementTypeOf, readableDTypes } from './dtypes.ts';
import { invalidFile, maxHeaderBytes, parseHeader, type SafetensorsEntry, type SafetensorsHeader } from './header.ts';

export interface ReadOptions {
  /** Defaults to the one set by `setDefaultDevice`. */
  readonly device?: Device;
}

export interface ReadAllOptions extends ReadOptions {
  /** Which names to read; without it, all. */
  readonly only?: (name: string) => boolean;
}

/** The tensors of a file by name, and the file's notes. */
export interface Safetensors {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads the header of a safetensors file and checks it; tensors are read when they are asked for.
 *
 *     await using file = await openSafetensors('model.safetensors');
 *     const embedding = await file.read('transformer.wte.weight');
 *
 * @throws TensorError `invalid-file` for a file that is not what its header says, naming the tensor and the problem.
 */
export async function openSafetensors(source: Source): Promise<SafetensorsFile> {
  const opened = await openSource(source);
  try {
    const { header, dataStart } = await readHeader(opened);
    return new SafetensorsFile(opened, header, dataStart);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Reads a whole safetensors file. */
export async function loadSafetensors(source: Source, options?: ReadAllOptions): Promise<Safetensors> {
  const file = await openSafetensors(source);
  try {
    return { tensors: await file.readAll(options), metadata: file.metadata };
  } finally {
    await file.close();
  }
}

/** A safetensors file whose tensors can be read one by one. */
export class SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Every tensor by name, read or not. A tensor of several names is stored under one of them, and the metadata leads from
   * each other name to that one, as the Python package's `save_model` writes it.
   */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly #source: OpenSource;
  readonly #dataStart: number;

  /** @internal Use `openSafetensors`. */
  constructor(source: OpenSource, { entries, metadata }: SafetensorsHeader, dataStart: number) {
    this.metadata = metadata;
    this.entries = withAliases(entries, metadata);
    this.#source = source;
    this.#dataStart = dataStart;
  }

  /**
   * One tensor. I64 becomes int32.
   *
   * @throws TensorError `unsupported` for a type that the library does not have, or an I64 that does not fit int32.
   */
  async read(name: string, options?: ReadOptions): Promise<Tensor> {
    const entry = this.entries.get(name);
    if (entry) return createTensor(await this.#read(name, entry), options?.device);
    const names = show([...this.entries.keys()]);
    throw new TensorError(
      'invalid-argument',
      `safetensors: ${this.#source.name} has no tensor ${show(name)}. It has ${names}.`,
    );
  }

  /** All tensors, or those of some names; one that has several names is the same under each. */
  async readAll({ only, device }: ReadAllOptions = {}): Promise<Record<string, Tensor>> {
    return createTensors(await this.readElements(only), () => device);
  }

  /** @internal What `readAll` waits for; tensors can then be made in a scope, which cannot wait. */
  async readElements(only: (name: string) => boolean = () => true): Promise<ReadonlyMap<string, TensorElements>> {
    const read = new Map<SafetensorsEntry, TensorElements>();
    const named = new Map<string, TensorElements>();
    for (const [name, entry] of this.entries) {
      if (!only(name)) continue;
      const elements = read.get(entry) ?? (await this.#read(name, entry));
      read.set(entry, elements);
      named.set(name, elements);
    }
    return named;
  }

  /** Closes the file, if it was opened by its path. */
  close(): Promise<void> {
    return this.#source.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #read(name: string, { dtype, shape, offset, bytes }: SafetensorsEntry): Promise<TensorElements> {
    const owner = `safetensors: ${this.#source.name}: tensor ${show(name)} (${dtype}[${shape}])`;
    const type = elementTypeOf(dtype);
    if (!type) {
      throw new TensorError(
        'unsupported',
        `${owner} cannot be read. Convert it to one of ${readableDTypes.join(', ')}.`,
      );
    }
    const data = decodeElements(await this.#source.read(this.#dataStart + offset, bytes), type, owner);
    return { data, shape, dtype: dtypeOf(type) };
  }
}

/** A tensor of a file before it is on a device. */
export interface TensorElements extends TensorSpec {
  readonly data: HostData;
}

/** Tensors on the devices that `deviceOf` chooses; what has several names becomes one tensor, where the first one says. */
export function createTensors(
  named: ReadonlyMap<string, TensorElements>,
  deviceOf: (name: string) => Device | undefined,
): Record<string, Tensor> {
  const created = new Map<TensorElements, Tensor>();
  const entries = Array.from(named, ([name, elements]) => {
    const tensor = created.get(elements) ?? createTensor(elements, deviceOf(name));
    created.set(elements, tensor);
    return [name, tensor];
  });
  return Object.fromEntries(entries) as Record<string, Tensor>;
}

function createTensor({ data, shape, dtype }: TensorElements, device: Device | undefined): Tensor {
  return fromHost(data, shape, { dtype, ...(device && { device }) });
}

/** Where the length of the header ends. */
const lengthBytes = 8;

async function readHeader(source: OpenSource): Promise<{ header: SafetensorsHeader; dataStart: number }> {
  const { name, size } = source;
  if (size < lengthBytes) throw invalidFile(name, `${size} bytes are too few for a header`);
  const first = await source.read(0, lengthBytes);
  const length = Number(new DataView(first.buffer, first.byteOffset, lengthBytes).getBigUint64(0, true));
  if (length > maxHeaderBytes) throw invalidFile(name, `a header of ${length} bytes is more than the format allows`);
  const dataStart = lengthBytes + length;
  if (dataStart > size) {
    throw invalidFile(name, `its header should end at byte ${dataStart}, but the file ends at ${size}`);
  }
  return { header: parseHeader(await source.read(lengthBytes, length), size - dataStart, name), dataStart };
}

function withAliases(
  entries: ReadonlyMap<string, SafetensorsEntry>,
  metadata: Readonly<Record<string, string>>,
): ReadonlyMap<string, SafetensorsEntry> {
  const aliases = Object.entries(metadata).flatMap(([alias, name]): [string, SafetensorsEntry][] => {
    const entry = entries.has(alias) ? undefined : entries.get(name);
    return entry ? [[alias, entry]] : [];
  });
  return new Map([...entries, ...aliases]);
}
