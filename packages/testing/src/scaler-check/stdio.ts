import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { CheckedOptimizer, CreateScaler } from './scaler.ts';

/** A scaler in another process, and the way to end it. */
export interface RemoteScaler {
  readonly create: CreateScaler;
  close(): void;
}

interface Reply {
  readonly error?: string;
  readonly value?: number | string;
  readonly state?: unknown;
  readonly gradients?: readonly (number | string)[];
  readonly stepped?: boolean;
}

type Waiting = { readonly resolve: (reply: Reply) => void; readonly reject: (error: Error) => void };

/**
 * Talks JSON lines with a child process: one request, one reply.
 *
 *     {"method":"create","scaler":1,"options":{…},"state":null}      → {}
 *     {"method":"scale","scaler":1,"loss":1}                         → {"value":65536}
 *     {"method":"unscale","scaler":1,"optimizer":0,"gradients":[…]}  → {"gradients":[…]}
 *     {"method":"step","scaler":1,"optimizer":0,"gradients":[…]}     → {"gradients":[…],"stepped":true}
 *     {"method":"update","scaler":1}                                 → {}
 *     {"method":"state","scaler":1}                                  → {"state":…}
 *
 * Any reply may be {"error":"…"} instead. Numbers that are not finite are the strings "NaN", "Infinity", "-Infinity".
 */
export function openRemoteScaler(command: string): RemoteScaler {
  const child = spawn(command, {
    shell: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  }) as unknown as ChildProcessWithoutNullStreams;
  const waiting: Waiting[] = [];
  let ended: Error | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const next = waiting.shift();
    try {
      next?.resolve(JSON.parse(line) as Reply);
    } catch {
      next?.reject(new Error(`"${command}" answered with a line that is no JSON: ${line}`));
    }
  });
  const end = (reason: string): void => {
    ended = new Error(`"${command}" ${reason}`);
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  child.on('error', ({ message }) => end(`could not be started: ${message}`));
  child.on('exit', (code) => end(`ended with code ${code}`));
  child.stdin.on('error', () => {});

  async function ask(request: object): Promise<Reply> {
    if (ended) throw ended;
    const reply = await new Promise<Reply>((resolve, reject) => {
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify(request)}\n`);
    });
    if (reply.error !== undefined) throw new Error(reply.error);
    return reply;
  }

  let scalers = 0;
  const create: CreateScaler = async (options, state = null) => {
    const scaler = ++scalers;
    const ids = new Map<CheckedOptimizer, number>();
    const askAbout = async (method: string, target: CheckedOptimizer): Promise<Reply> => {
      const optimizer = ids.get(target) ?? ids.size;
      ids.set(target, optimizer);
      const reply = await ask({ method, scaler, optimizer, gradients: Array.from(target.gradients, encode) });
      if (reply.gradients) target.gradients.set(reply.gradients.map(Number));
      return reply;
    };
    await ask({ method: 'create', scaler, options, state });
    return {
      scale: async (loss) => Number((await ask({ method: 'scale', scaler, loss })).value),
      async unscale(optimizer) {
        await askAbout('unscale', optimizer);
      },
      async step(optimizer) {
        if ((await askAbout('step', optimizer)).stepped) optimizer.step();
      },
      async update() {
        await ask({ method: 'update', scaler });
      },
      state: async () => (await ask({ method: 'state', scaler })).state,
    };
  };
  return { create, close: () => child.kill() };
}

function encode(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
