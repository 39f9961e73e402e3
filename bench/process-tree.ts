import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second. */
const tickMs = 10;

/** The CPU time so far of a process and all its descendants, which other processes do not advance. Linux only. */
export function cpuMsOfTree(root: number): number {
  const processes = readdirSync('/proc').flatMap((entry) => statOf(entry) ?? []);
  const tree = new Set([root]);
  for (let size = 0; size < tree.size; ) {
    size = tree.size;
    for (const { pid, parent } of processes) if (tree.has(parent)) tree.add(pid);
  }
  return processes.reduce((total, { pid, ticks }) => (tree.has(pid) ? total + ticks * tickMs : total), 0);
}

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

function statOf(entry: string): ProcessStat | undefined {
  if (!/^\d+$/.test(entry)) return undefined;
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
    // The name, in parentheses, may contain anything; after it come the state, the parent, …, utime and stime.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid: Number(entry), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}
