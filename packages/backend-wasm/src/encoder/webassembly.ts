/**
 * The part of the WebAssembly JavaScript API that is used here. TypeScript declares it only together with the DOM, and a
 * host may lack it.
 */
export interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => CompiledModule;
  readonly Instance: new (
    module: CompiledModule,
    imports: { readonly env: { readonly memory: Memory } },
  ) => { readonly exports: Readonly<Record<string, WasmFunction>> };
  readonly Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => Memory;
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
}

interface CompiledModule {
  readonly [Symbol.toStringTag]: string;
}

/** One linear memory, in pages of 64 KiB. */
export interface Memory {
  readonly buffer: ArrayBuffer;
  /** @throws RangeError when the host refuses. */
  grow(pages: number): number;
}

/** An exported function: numbers in, at most one number out. */
export type WasmFunction = (...args: number[]) => number;

/** The host's WebAssembly, if it has one. */
export function webAssembly(): WebAssemblyApi | undefined {
  return (globalThis as unknown as { readonly WebAssembly?: WebAssemblyApi }).WebAssembly;
}
