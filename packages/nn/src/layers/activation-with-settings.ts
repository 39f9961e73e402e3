import {
  celu,
  elu,
  full,
  gelu,
  glu,
  hardshrink,
  hardtanh,
  leakyRelu,
  prelu,
  softplus,
  softshrink,
  type Tensor,
  threshold,
} from '@halfgrad/core';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { creation, type LayerOptions, requireCounts } from './options.ts';

/** `x · Φ(x)`, or its tanh approximation. */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh';

  constructor({ approximate = 'none' }: { readonly approximate?: 'none' | 'tanh' } = {}) {
    super();
    this.approximate = approximate;
  }

  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate });
  }
}

/** `x` where it is positive, else `α (eˣ − 1)` (Clevert et al. 2016). */
export class ELU extends Module {
  readonly alpha: number;

  constructor({ alpha = 1 }: { readonly alpha?: number } = {}) {
    super();
    this.alpha = alpha;
  }

  forward(x: Tensor): Tensor {
    return elu(x, { alpha: this.alpha });
  }
}

/** `x` where it is positive, else `α (e^(x/α) − 1)`, whose slope at 0 is 1 for any α (Barron 2017). */
export class CELU extends Module {
  readonly alpha: number;

  constructor({ alpha = 1 }: { readonly alpha?: number } = {}) {
    super();
    this.alpha = alpha;
  }

  forward(x: Tensor): Tensor {
    return celu(x, { alpha: this.alpha });
  }
}

/** `x` where it is positive, else `x · negativeSlope`. */
export class LeakyReLU extends Module {
  readonly negativeSlope: number;

  constructor({ negativeSlope = 0.01 }: { readonly negativeSlope?: number } = {}) {
    super();
    this.negativeSlope = negativeSlope;
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, { negativeSlope: this.negativeSlope });
  }
}

/** A leaky rectifier whose slope is learned, one for all channels or one for each (He et al. 2015). */
export class PReLU extends Module {
  readonly weight: Parameter;

  constructor(numParameters = 1, { init = 0.25, ...options }: LayerOptions & { readonly init?: number } = {}) {
    super();
    requireCounts('PReLU', { numParameters });
    this.weight = new Parameter(full([numParameters], init, creation(options)));
  }

  forward(x: Tensor): Tensor {
    return prelu(x, this.weight);
  }
}

/** `log(1 + e^(βx)) / β`, and `x` itself where `βx` exceeds the threshold. */
export class Softplus extends Module {
  readonly beta: number;
  readonly threshold: number;

  constructor({ beta = 1, threshold = 20 }: { readonly beta?: number; readonly threshold?: number } = {}) {
    super();
    this.beta = beta;
    this.threshold = threshold;
  }

  forward(x: Tensor): Tensor {
    return softplus(x, { beta: this.beta, threshold: this.threshold });
  }
}

/** `x` limited to [min, max]. */
export class Hardtanh extends Module {
  readonly min: number;
  readonly max: number;

  constructor({ min = -1, max = 1 }: { readonly min?: number; readonly max?: number } = {}) {
    super();
    this.min = min;
    this.max = max;
  }

  forward(x: Tensor): Tensor {
    return hardtanh(x, { min: this.min, max: this.max });
  }
}

/** Moves everything by `lambda` towards 0, and what is nearer to 0. */
export class Softshrink extends Module {
  readonly lambda: number;

  constructor({ lambda = 0.5 }: { readonly lambda?: number } = {}) {
    super();
    this.lambda = lambda;
  }

  forward(x: Tensor): Tensor {
    return softshrink(x, { lambda: this.lambda });
  }
}

/** 0 within `lambda` of 0, `x` elsewhere. */
export class Hardshrink extends Module {
  readonly lambda: number;

  constructor({ lambda = 0.5 }: { readonly lambda?: number } = {}) {
    super();
    this.lambda = lambda;
  }

  forward(x: Tensor): Tensor {
    return hardshrink(x, { lambda: this.lambda });
  }
}

/** `x` above the bound, `value` elsewhere. */
export class Threshold extends Module {
  readonly bound: number;
  readonly value: number;

  constructor(bound: number, value: number) {
    super();
    this.bound = bound;
    this.value = value;
  }

  forward(x: Tensor): Tensor {
    return threshold(x, this.bound, this.value);
  }
}

/** The first half of `dim` times the sigmoid of the second (Dauphin et al. 2017). */
export class GLU extends Module {
  readonly dim: number;

  constructor(dim = -1) {
    super();
    this.dim = dim;
  }

  forward(x: Tensor): Tensor {
    return glu(x, this.dim);
  }
}
