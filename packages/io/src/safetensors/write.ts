import { argumentError, type Block, sameShape, type Tensor, TensorError } from '@halfgrad/core';
import { type ElementType, encodeElements } from '../elements.ts';
import { writeWhole } from '../open-whole.ts';
import { show } from '../untrusted.ts';
import { alignmentRank, safetensorsDType } from './dtypes.ts';
import { maxHeaderBytes } from './header.ts';

export interface SafetensorsOptions {
  /** Notes that readers can see without reading a tensor. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** What int32 is written as; PyTorch's counters and labels are I64. */
  readonly integers?: 'I32' | 'I64';
}

/**
 * The bytes of a safetensors file with the tensors as they are now.
 *
 * Tensors that share their memory and shape are written once, under the first of their names in alphabetical order; the
 * metadata leads from each other name to that one, as the Python package's `save_model` writes it.
 *
 * @throws TensorError `invalid-argument` for a name that the format or the metadata uses otherwise.
 */
export async function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  options?: SafetensorsOptions,
): Promise<Uint8Array> {
  return concat(await encodePieces(tensors, options));
}

/** Writes a safetensors file, whole or not at all. See `encodeSafetensors`. */
export async function saveSafetensors(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  options?: SafetensorsOptions,
): Promise<void> {
  await writeWhole(path, await encodePieces(tensors, options));
}

interface Item {
  readonly name: string;
  readonly tensor: Tensor;
  readonly type: ElementType;
}

/**
 * The header, then the elements of each tensor. All are read from their devices before anything is awaited, so that copies
 * made for the file can end with a scope around this call.
 */
export async function encodePieces(
  tensors: Readonly<Record<string, Tensor>>,
  { metadata = {}, integers = 'I32' }: SafetensorsOptions = {},
): Promise<Uint8Array[]> {
  const { stored, aliases } = untie(tensors);
  const taken = Object.keys(metadata).find((key) => Object.hasOwn(aliases, key));
  if (taken !== undefined) {
    throw new TensorError(
      'invalid-argument',
      `safetensors: the metadata has ${show(taken)}, which is the second name of a tensor. Use another key.`,
    );
  }
  const items = stored
    .map(([name, tensor]): Item => {
      const type = tensor.dtype === 'int32' && integers === 'I64' ? 'int64' : tensor.dtype;
      return { name, tensor, type };
    })
    .sort((a, b) => alignmentOf(b) - alignmentOf(a));
  const pieces = await Promise.all(items.map(({ tensor, type }) => encodeElements(tensor, type)));
  return [encodeHeader(items, pieces, { ...metadata, ...aliases }), ...pieces];
}

function alignmentOf({ type }: Item): number {
  return alignmentRank(safetensorsDType(type));
}

interface Untied {
  readonly stored: readonly (readonly [name: string, tensor: Tensor])[];
  /** From other names of stored tensors to the names they are stored under. */
  readonly aliases: Readonly<Record<string, string>>;
}

function untie(tensors: Readonly<Record<string, Tensor>>): Untied {
  const stored: [string, Tensor][] = [];
  const aliases: [string, string][] = [];
  const byBlock = new Map<Block, [string, Tensor][]>();
  for (const [name, tensor] of Object.entries(tensors).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name === '__metadata__') {
      throw new TensorError('invalid-argument', 'safetensors: "__metadata__" cannot be the name of a tensor');
    }
    if (tensor.isDisposed) throw argumentError('disposed', 'safetensors', 'was disposed of', { [name]: tensor });
    const { block } = tensor.storage;
    const sharing = byBlock.get(block) ?? [];
    const twin = sharing.find(([, other]) => other.dtype === tensor.dtype && sameShape(other.shape, tensor.shape));
    if (twin) {
      aliases.push([name, twin[0]]);
    } else {
      stored.push([name, tensor]);
      byBlock.set(block, [...sharing, [name, tensor]]);
    }
  }
  return { stored, aliases: Object.fromEntries(aliases) };
}

function encodeHeader(
  items: readonly Item[],
  pieces: readonly Uint8Array[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  let end = 0;
  const entries = items.map(({ name, tensor: { shape }, type }, i) => {
    const start = end;
    end += (pieces[i] as Uint8Array).length;
    return [name, { dtype: safetensorsDType(type), shape, data_offsets: [start, end] }];
  });
  const notes = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries([...notes, ...entries])));
  // Spaces make the data begin at a multiple of 8, so that readers can map it into memory.
  const length = Math.ceil(text.length / 8) * 8;
  if (length > maxHeaderBytes) {
    throw new TensorError('invalid-argument', `safetensors: a header of ${length} bytes is more than readers accept`);
  }
  const header = new Uint8Array(8 + length).fill(0x20, 8 + text.length);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, 8);
  return header;
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
