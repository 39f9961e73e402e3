import { type BackwardOptions, backward } from '../autograd/backward.ts';
import { customFunction } from '../autograd/function.ts';
import type { GradHook, GradSlot, LossScaleMark } from '../autograd/graph.ts';
import { cast } from '../functional/elementwise.ts';
import { type DType, dtypes, isDType, isFloat } from '../spec/dtype.ts';
import { argumentError, TensorError } from '../spec/errors.ts';
import type { Overflow } from '../spec/float8.ts';
import { decodeValues, encodeNumbers, type Values } from '../spec/host-data.ts';
import { sizeOf } from '../spec/shape.ts';
import { showSpec, type TensorSpec } from '../spec/spec.ts';
import type { Device, Storage } from './device.ts';
import { formatTensor, type NestedArray, nest } from './format.ts';
import { TensorMethods } from './methods.ts';
import { enterScope, leaveScope, type Scope } from './scope.ts';

/**
 * An immutable multi-dimensional array that remembers how it was computed.
 *
 * Only update kernels (optimizers, the loss scaler, running statistics) change one in place.
 */
export class Tensor extends TensorMethods implements TensorSpec {
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
    super();
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
      lossScale: undefined,
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
        `${showSpec(this)} was disposed of, by its scope, by zeroGrad or by hand. Return it from the scope or keep() it; clone() a gradient to hold it.`,
      );
    }
    return this.#storage;
  }

  /** `float32[2,3]` with its elements, long dimensions elided. */
  override toString(): string {
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

  /**
   * The loss scale that this scaled loss, or this gradient of one, carries; set by scalers (AMP.md B7).
   *
   * Optimizers and gradient clipping refuse gradients that still carry one.
   */
  get lossScale(): LossScaleMark | undefined {
    return this.slot.lossScale;
  }

  set lossScale(mark: LossScaleMark | undefined) {
    this.slot.lossScale = mark;
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
  to(target: DType | Device, overflow?: Overflow): Tensor {
    if (typeof target === 'string') {
      if (!isDType(target)) {
        throw new TensorError(
          'invalid-argument',
          `to: "${target as string}" is not a dtype. Use one of ${Object.keys(dtypes).join(', ')}.`,
        );
      }
      return cast(this, target, overflow);
    }
    return target === this.device ? this : move(this.device, target)(this);
  }

  /** A copy on another device, from any device. Outside the graph. */
  async transfer(target: Device): Promise<Tensor> {
    return new Tensor(target.upload(await this.device.download(this.storage), this), target);
  }

  /** @internal Numbers on the device of this tensor, outside the graph. */
  constant(values: ArrayLike<number>, dtype: DType, shape: readonly number[] = [values.length]): Tensor {
    return new Tensor(this.device.upload(encodeNumbers(values, dtype), { shape, dtype }), this.device);
  }

  /** @internal A plain number beside this tensor: it takes part in promotion last (AMP.md D4.1). */
  number(value: number): Tensor {
    const dtype =
      isFloat(this.dtype) || !Number.isInteger(value) ? (this.dtype === 'float64' ? 'float64' : 'float32') : 'int32';
    const spec: TensorSpec = { shape: [], dtype, isNumber: true };
    return new Tensor(this.device.upload(encodeNumbers([value], dtype), spec), this.device);
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
