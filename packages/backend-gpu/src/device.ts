import type { Device, OpName } from '@halfgrad/core';
import { createContext } from './gl/context.ts';
import { createKernels } from './kernels/index.ts';
import { probe } from './probe.ts';
import { Runtime } from './runtime.ts';
import type { GpuTensor } from './storage.ts';
import { createUpdates } from './updates/index.ts';

/** The GPU by way of WebGL 2: float32 and integers as they are, 16-bit floats in two bytes, no float64. */
export interface GpuDevice extends Device<GpuTensor> {
  /** How often each operation was left to the reference device, which reads its inputs back and is slow. */
  readonly fallbacks: ReadonlyMap<OpName, number>;
  /** What WebGL calls the GPU. */
  readonly renderer: string;
  /** How often anything was read back so far, by `data()` or for a fallback. */
  readbackCount(): number;
}

let opened: Promise<OpenDevice> | undefined;

interface OpenDevice {
  readonly device: GpuDevice;
  readonly isLost: () => boolean;
}

/**
 * The GPU of this page, worker or process; always the same one, until its context is lost.
 *
 * In Node it needs the package `gl` and an X server.
 *
 * @throws TensorError `unsupported` with the reason and the way out.
 */
export async function openGpu(): Promise<GpuDevice> {
  if (opened && (await opened).isLost()) opened = undefined;
  opened ??= open();
  try {
    return (await opened).device;
  } catch (error) {
    opened = undefined;
    throw error;
  }
}

async function open(): Promise<OpenDevice> {
  const context = await createContext();
  const runtime = new Runtime(context);
  probe(runtime);
  return { device: deviceOf(runtime), isLost: () => context.gl.isContextLost() };
}

function deviceOf(runtime: Runtime): GpuDevice {
  const fallbacks = new Map<OpName, number>();
  const countFallback = (op: OpName): void => {
    fallbacks.set(op, (fallbacks.get(op) ?? 0) + 1);
  };
  return {
    name: 'gpu',
    kernels: createKernels(runtime, countFallback),
    updates: createUpdates(runtime),
    upload: (data, spec) => runtime.upload(data, spec),
    download: async (storage) => runtime.read(storage),
    free: (storage) => runtime.memory.free(storage),
    memory: () => runtime.memory.report(),
    fallbacks,
    renderer: rendererOf(runtime.context.gl),
    readbackCount: () => runtime.readbacks,
  };
}

function rendererOf(gl: WebGL2RenderingContext): string {
  const names = gl.getExtension('WEBGL_debug_renderer_info');
  return String(gl.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
}
