import type pc from 'picocolors';

export type Colors = Pick<typeof pc, 'bold' | 'dim' | 'green' | 'red' | 'yellow'>;

export interface RenderOptions {
  /** From picocolors, which leaves colours out where the output is no terminal or `NO_COLOR` is set. */
  readonly colors: Colors;
  /** The longest line that is written. */
  readonly columns: number;
}
