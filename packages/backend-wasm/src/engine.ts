import { ModuleBuilder } from './encoder/module-builder.ts';
import type { WasmFunction, WebAssemblyApi } from './encoder/webassembly.ts';
import { LinearMemory } from './linear-memory.ts';
import { DeviceMemory } from './memory.ts';
import { requireWasm } from './support.ts';

/** The functions that a generated module defines, and their compiled counterparts. */
type Handles = Readonly<Record<string, { readonly name: string }>>;
type Compiled<H extends Handles> = { readonly [N in keyof H]: WasmFunction };

export interface EngineOptions {
  /** The most that the linear memory may grow to. */
  readonly maximumBytes: number;
  readonly relaxedSimd: 'detect' | 'avoid';
}

interface Started {
  readonly api: WebAssemblyApi;
  readonly memory: DeviceMemory;
  readonly hasRelaxedSimd: boolean;
}

/**
 * The linear memory of a device and the modules compiled for it. Nothing is created before it is used.
 *
 * Kernels are many small modules, one per operation and combination of dtypes, generated and compiled when a tensor first
 * asks for them: start-up costs nothing, and a program pays for what it uses.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #modules: Map<string, Compiled<Handles>> = new Map();
  #started: Started | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** @throws TensorError `unsupported` when the host cannot run it. */
  get memory(): DeviceMemory {
    return this.#start().memory;
  }

  /** Whether anything was created yet. */
  get isStarted(): boolean {
    return this.#started !== undefined;
  }

  /** Whether kernels may multiply and add in one instruction. */
  get hasRelaxedSimd(): boolean {
    return this.#start().hasRelaxedSimd;
  }

  /** The compiled functions of the module called `name`, which `define` writes when they are first asked for. */
  compiled<H extends Handles>(name: string, define: (module: ModuleBuilder) => H): Compiled<H> {
    const existing = this.#modules.get(name);
    if (existing) return existing as Compiled<H>;
    const created = this.#compile(define);
    this.#modules.set(name, created);
    return created;
  }

  #compile<H extends Handles>(define: (module: ModuleBuilder) => H): Compiled<H> {
    const { api, memory } = this.#start();
    const { maximumPages, memory: imported } = memory.linear;
    const module = new ModuleBuilder({ maximumPages, shared: false });
    const handles = define(module);
    const { exports } = new api.Instance(new api.Module(module.encode()), { env: { memory: imported } });
    const functions = Object.entries(handles).map(([key, { name }]) => [key, exports[name]]);
    return Object.fromEntries(functions) as Compiled<H>;
  }

  #start(): Started {
    if (!this.#started) {
      const { api, hasRelaxedSimd: isAvailable } = requireWasm();
      const hasRelaxedSimd = isAvailable && this.#options.relaxedSimd === 'detect';
      const memory = new DeviceMemory(new LinearMemory(api, this.#options.maximumBytes));
      this.#started = { api, memory, hasRelaxedSimd };
    }
    return this.#started;
  }
}
