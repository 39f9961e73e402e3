import { Tensor } from '@halfgrad/core';

/**
 * A tensor that a module learns (`torch.nn.Parameter`): a leaf that requires a gradient unless it is frozen, and that
 * outlives the scope it was made in. It takes over the memory of `value`.
 */
export class Parameter extends Tensor {
  readonly kind = 'parameter';

  constructor(value: Tensor, { requiresGrad = true }: { readonly requiresGrad?: boolean } = {}) {
    super(value.storage, value.device);
    this.keep();
    this.requiresGrad = requiresGrad;
  }
}

/**
 * A tensor that belongs to a module's state but is not learned (`torch.nn.Buffer`), such as running statistics. It
 * outlives the scope it was made in, and takes over the memory of `value`.
 */
export class Buffer extends Tensor {
  readonly kind = 'buffer';

  constructor(value: Tensor) {
    super(value.storage, value.device);
    this.keep();
  }
}
