import { type BackwardOptions, backward } from '../autograd/backward.ts';
import { customFunction } from '../autograd/function.ts';
import type { GradHook, GradSlot } from '../autograd/graph.ts';
import * as contraction from '../functional/contraction.ts';
import * as elementwise from '../functional/elementwise.ts';
import * as indexing from '../functional/indexing.ts';
import * as movement from '../functional/movement.ts';
import * as reduction from '../functional/reduction.ts';
import { type DType, dtypes, isDType, isFloat } from '../spec/dtype.ts';
import { argumentError, TensorError } from '../spec/errors.ts';
import { decodeValues, encodeNumbers, type Values } from '../spec/host-data.ts';
import { sizeOf } from '../spec/shape.ts';
import { showSpec, type TensorSpec } from '../spec/spec.ts';
import type { Device, Storage } from './device.ts';
import { formatTensor, type NestedArray, nest } from './format.ts';
import { enterScope, leaveScope, type Scope } from './scope.ts';

type Operand = elementwise.Operand;
type Dims = reduction.Dims;

/**
 * An immutable multi-dimensional array that remembers how it was computed.
 *
 * Only update kernels (optimizers, the loss scaler, running statistics) change one in place.
 */
export class Tensor implements TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly device: Device;
  readonly isNumber: boolean | undefined;
  /** @internal The place in the graph, apart from the data. */
  readonly slot: GradSlot;
  #storage: Storage | undefined;
  #scope: Scope | undefined;

  /** @internal Use `tensor()` and its siblings. */
  constructor(storage: Storage, device: Device, slot?: GradSlot) {
    this.shape = storage.shape;
    this.dtype = storage.dtype;
    this.isNumber = storage.isNumber;
    this.device = device;
    this.#storage = storage;
    storage.block.holders++;
    this.slot = slot ?? {
      shape: storage.shape,
      dtype: storage.dtype,
      requiresGrad: false,
      grad: undefined,
      origin: undefined,
      retainsGrad: false,
      gradDType: storage.dtype,
      hooks: undefined,
    };
    if (!slot) this.#scope = enterScope(this);
  }

  // ─── What it is ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** The number of dimensions. */
  get rank(): number {
    return this.shape.length;
  }

  get bytes(): number {
    return this.size * dtypes[this.dtype].bytes;
  }

  /** How often its memory was changed in place. */
  get version(): number {
    return this.storage.block.version;
  }

  /** @internal */
  get storage(): Storage {
    if (!this.#storage) {
      throw new TensorError(
        'disposed',
        `${showSpec(this)} was disposed of. Return it from the scope, or call keep() on it.`,
      );
    }
    return this.#storage;
  }

  /** `float32[2,3]` with its elements, long dimensions elided. */
  toString(): string {
    return formatTensor(this, this.#storage && this.device.downloadSync?.(this.#storage));
  }

  // ─── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The elements in row-major order, in the narrowest typed array that holds them exactly. */
  async data(): Promise<Values> {
    return decodeValues(await this.device.download(this.storage), this.dtype);
  }

  /**
   * `data()` without waiting.
   *
   * @throws TensorError `not-readable` on devices that can only be read asynchronously.
   */
  dataSync(): Values {
    if (!this.device.downloadSync) {
      throw new TensorError('not-readable', `${this.device.name} can only be read asynchronously. Use await x.data().`);
    }
    return decodeValues(this.device.downloadSync(this.storage), this.dtype);
  }

  /** The only element, as a number (0 or 1 for bool). */
  item(): number {
    if (this.size !== 1)
      throw argumentError('invalid-argument', 'item', 'needs exactly one element', { x: this }, 'Use data().');
    return this.dataSync()[0] as number;
  }

  /** Nested arrays of numbers, booleans for bool; a bare one for 0 dimensions. */
  toArray(): NestedArray {
    return nest(this.dataSync(), this.shape, this.dtype);
  }

  // ─── Lifetime ─────────────────────────────────────────────────────────────────────────────────────────────────────

  get isDisposed(): boolean {
    return this.#storage === undefined;
  }

  /** Gives the memory back now; on garbage-collected devices this only forbids further use. */
  dispose(): void {
    const storage = this.#storage;
    if (!storage) return;
    this.#storage = undefined;
    this.#scope?.made.delete(this);
    this.#scope = undefined;
    storage.block.holders--;
    if (storage.block.holders === 0) this.device.free(storage);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Lets the tensor outlive the scope it was made in. */
  keep(): this {
    leaveScope(this, this.#scope);
    this.#scope = undefined;
    return this;
  }

  /** @internal Takes `keep` back: the tensor ends with the scope that is open now, if there is one. */
  unkeep(): void {
    if (this.#storage) this.#scope = enterScope(this);
  }

  /** @internal */
  moveTo(scope: Scope | undefined): void {
    this.#scope = scope;
  }

  /** @internal Another holder of the same memory and the same place in the graph, outside any scope. */
  share(): Tensor {
    return new Tensor(this.storage, this.device, this.slot);
  }

  // ─── Gradients ────────────────────────────────────────────────────────────────────────────────────────────────────

  get requiresGrad(): boolean {
    return this.slot.requiresGrad;
  }

  set requiresGrad(value: boolean) {
    if (value && !isFloat(this.dtype)) {
      throw argumentError(
        'not-differentiable',
        'requiresGrad',
        'only floating-point tensors have gradients',
        { x: this },
        "Use x.to('float32').",
      );
    }
    if (!value && this.slot.origin) {
      throw argumentError(
        'invalid-argument',
        'requiresGrad',
        'cannot be switched off for the result of an op',
        { x: this },
        'Use x.detach().',
      );
    }
    this.slot.requiresGrad = value;
  }

  /** `requiresGrad = true`, for chaining (`torch.Tensor.requires_grad_`). */
  requireGrad(): this {
    this.requiresGrad = true;
    return this;
  }

  /** Whether it was not computed by a recorded op; leaves are where backward stores gradients. */
  get isLeaf(): boolean {
    return this.slot.origin === undefined;
  }

  get grad(): Tensor | undefined {
    return this.slot.grad;
  }

  /** @throws TensorError when the gradient has another shape or dtype (AMP.md A9.3). */
  set grad(value: Tensor | undefined) {
    if (value && (value.dtype !== this.dtype || value.shape.join() !== this.shape.join())) {
      throw argumentError(
        'dtype-mismatch',
        'grad',
        'a gradient has the shape and dtype of its tensor',
        { x: this, grad: value },
        `Use grad.to('${this.dtype}').`,
      );
    }
    if (this.slot.grad !== value) this.slot.grad?.unkeep();
    this.slot.grad = value?.keep();
  }

  /** The same data, outside the graph. Shares memory. */
  detach(): Tensor {
    const storage = this.isNumber ? { ...this.storage, isNumber: undefined } : this.storage;
    return new Tensor(storage, this.device);
  }

  /** Makes backward store the gradient of a tensor that is not a leaf. */
  retainGrad(): this {
    if (!this.requiresGrad) {
      throw argumentError('not-differentiable', 'retainGrad', 'the tensor does not require a gradient', { x: this });
    }
    this.slot.retainsGrad = true;
    return this;
  }

  /** Calls `hook` with the whole gradient during backward; what it returns replaces it. Returns the way to remove it. */
  registerHook(hook: GradHook): () => void {
    if (!this.requiresGrad) {
      throw argumentError('not-differentiable', 'registerHook', 'the tensor does not require a gradient', { x: this });
    }
    this.slot.hooks ??= new Set();
    this.slot.hooks.add(hook);
    return () => this.slot.hooks?.delete(hook);
  }

  /** Adds the gradient of this tensor to `.grad` of every leaf it depends on. See `backward`. */
  backward(gradient?: Tensor, options?: BackwardOptions): void {
    backward(this, gradient, options);
  }

  // ─── Conversion ───────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The same values in another dtype, or on another device; the same tensor if nothing changes. Differentiable.
   *
   * @throws TensorError `not-readable` when this tensor's device can only be read asynchronously: use `transfer`.
   */
  to(target: DType | Device): Tensor {
    if (typeof target === 'string') {
      if (!isDType(target)) {
        throw new TensorError(
          'invalid-argument',
          `to: "${target as string}" is not a dtype. Use one of ${Object.keys(dtypes).join(', ')}.`,
        );
      }
      return elementwise.cast(this, target);
    }
    return target === this.device ? this : move(this.device, target)(this);
  }

  /** A copy on another device, from any device. Outside the graph. */
  async transfer(target: Device): Promise<Tensor> {
    return new Tensor(target.upload(await this.device.download(this.storage), this), target);
  }

  /** @internal A plain number beside this tensor: it takes part in promotion last (AMP.md D4.1). */
  number(value: number): Tensor {
    const dtype =
      isFloat(this.dtype) || !Number.isInteger(value) ? (this.dtype === 'float64' ? 'float64' : 'float32') : 'int32';
    const spec: TensorSpec = { shape: [], dtype, isNumber: true };
    return new Tensor(this.device.upload(encodeNumbers([value], dtype), spec), this.device);
  }

  // ─── Elementwise ──────────────────────────────────────────────────────────────────────────────────────────────────

  add(other: Operand): Tensor {
    return elementwise.add(this, other);
  }

  sub(other: Operand): Tensor {
    return elementwise.sub(this, other);
  }

  mul(other: Operand): Tensor {
    return elementwise.mul(this, other);
  }

  div(other: Operand): Tensor {
    return elementwise.div(this, other);
  }

  pow(exponent: Operand): Tensor {
    return elementwise.pow(this, exponent);
  }

  maximum(other: Operand): Tensor {
    return elementwise.maximum(this, other);
  }

  minimum(other: Operand): Tensor {
    return elementwise.minimum(this, other);
  }

  equal(other: Operand): Tensor {
    return elementwise.equal(this, other);
  }

  notEqual(other: Operand): Tensor {
    return elementwise.notEqual(this, other);
  }

  less(other: Operand): Tensor {
    return elementwise.less(this, other);
  }

  lessEqual(other: Operand): Tensor {
    return elementwise.lessEqual(this, other);
  }

  greater(other: Operand): Tensor {
    return elementwise.greater(this, other);
  }

  greaterEqual(other: Operand): Tensor {
    return elementwise.greaterEqual(this, other);
  }

  maskedFill(mask: Tensor, value: number): Tensor {
    return elementwise.maskedFill(this, mask, value);
  }

  neg(): Tensor {
    return elementwise.neg(this);
  }

  abs(): Tensor {
    return elementwise.abs(this);
  }

  sign(): Tensor {
    return elementwise.sign(this);
  }

  exp(): Tensor {
    return elementwise.exp(this);
  }

  log(): Tensor {
    return elementwise.log(this);
  }

  sqrt(): Tensor {
    return elementwise.sqrt(this);
  }

  rsqrt(): Tensor {
    return elementwise.rsqrt(this);
  }

  reciprocal(): Tensor {
    return elementwise.reciprocal(this);
  }

  square(): Tensor {
    return elementwise.square(this);
  }

  sin(): Tensor {
    return elementwise.sin(this);
  }

  cos(): Tensor {
    return elementwise.cos(this);
  }

  erf(): Tensor {
    return elementwise.erf(this);
  }

  tanh(): Tensor {
    return elementwise.tanh(this);
  }

  sigmoid(): Tensor {
    return elementwise.sigmoid(this);
  }

  relu(): Tensor {
    return elementwise.relu(this);
  }

  gelu(options?: { approximate?: 'none' | 'tanh' }): Tensor {
    return elementwise.gelu(this, options);
  }

  clamp(bounds: { min?: number; max?: number }): Tensor {
    return elementwise.clamp(this, bounds);
  }

  isFinite(): Tensor {
    return elementwise.isFinite(this);
  }

  // ─── Movement and indexing ────────────────────────────────────────────────────────────────────────────────────────

  reshape(shape: readonly number[]): Tensor {
    return movement.reshape(this, shape);
  }

  flatten(startDim?: number, endDim?: number): Tensor {
    return movement.flatten(this, startDim, endDim);
  }

  unsqueeze(dim: number): Tensor {
    return movement.unsqueeze(this, dim);
  }

  squeeze(dim?: number | readonly number[]): Tensor {
    return movement.squeeze(this, dim);
  }

  permute(dims: readonly number[]): Tensor {
    return movement.permute(this, dims);
  }

  transpose(dim0?: number, dim1?: number): Tensor {
    return movement.transpose(this, dim0, dim1);
  }

  expand(shape: readonly number[]): Tensor {
    return movement.expand(this, shape);
  }

  slice(ranges: readonly movement.SliceRange[]): Tensor {
    return movement.slice(this, ranges);
  }

  narrow(dim: number, start: number, length: number): Tensor {
    return movement.narrow(this, dim, start, length);
  }

  select(dim: number, index: number): Tensor {
    return movement.select(this, dim, index);
  }

  flip(dims: number | readonly number[]): Tensor {
    return movement.flip(this, dims);
  }

  indexSelect(dim: number, index: Tensor): Tensor {
    return indexing.indexSelect(this, dim, index);
  }

  gather(dim: number, index: Tensor): Tensor {
    return indexing.gather(this, dim, index);
  }

  // ─── Reduction and contraction ────────────────────────────────────────────────────────────────────────────────────

  sum(dim?: Dims, options?: reduction.ReductionOptions & reduction.DTypeOption): Tensor {
    return reduction.sum(this, dim, options);
  }

  mean(dim?: Dims, options?: reduction.ReductionOptions): Tensor {
    return reduction.mean(this, dim, options);
  }

  variance(dim?: Dims, options?: reduction.ReductionOptions & { readonly correction?: number }): Tensor {
    return reduction.variance(this, dim, options);
  }

  amax(dim?: Dims, options?: reduction.ReductionOptions): Tensor {
    return reduction.amax(this, dim, options);
  }

  argmax(dim?: number, options?: reduction.ReductionOptions): Tensor {
    return reduction.argmax(this, dim, options);
  }

  softmax(dim: number, options?: reduction.DTypeOption): Tensor {
    return reduction.softmax(this, dim, options);
  }

  logSoftmax(dim: number, options?: reduction.DTypeOption): Tensor {
    return reduction.logSoftmax(this, dim, options);
  }

  norm(p?: number, dim?: Dims, options?: reduction.ReductionOptions): Tensor {
    return reduction.norm(this, p, dim, options);
  }

  matmul(other: Tensor, options?: contraction.MatmulOptions): Tensor {
    return contraction.matmul(this, other, options);
  }
}

function move(source: Device, target: Device): (x: Tensor) => Tensor {
  return customFunction({
    name: 'to',
    forward(_context, x) {
      if (!source.downloadSync) {
        throw new TensorError(
          'not-readable',
          `${source.name} can only be read asynchronously. Use await x.transfer(device).`,
        );
      }
      return new Tensor(target.upload(source.downloadSync(x.storage), x), target);
    },
    backward: (_saved, grad) => [grad.to(source)],
  });
}
