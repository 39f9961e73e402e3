import { readFileSync } from 'node:fs';
import type { Device } from '@halfgrad/core';
import { describeShared } from '@halfgrad/testing';
import { describe, expect, test } from 'vitest';
import { devices } from './devices.ts';
import { renderPage } from './page.ts';
import { runSuite, type SuiteResult } from './run.ts';
import { outOfScope } from './scope.ts';
import { documentedDevices, suites } from './suites.ts';

/** The largest suite takes seconds, several times as many on a busy machine. */
const timeLimitMs = 120_000;

describeShared('the library gives the answers that others recorded', ['golden', 'suites'], () => {
  const runs = documentedDevices.map((device) => ({ device, results: [] as SuiteResult[] }));

  describe.each(runs)('on $device', ({ device: name, results }) => {
    test.each(suites)(
      '$name',
      async (suite) => {
        const device = (await devices[name]?.()) as Device;
        const result = await runSuite(suite, device);
        results.push(result);
        expect(result.failed).toEqual([]);
        expect(Object.fromEntries(result.missing)).toEqual({});
      },
      timeLimitMs,
    );
  });

  test('as many as the page of the docs says; `pnpm oracle --write-docs` writes it', () => {
    expect(renderPage(runs)).toBe(readFileSync(new URL('../docs/tables/oracle.md', import.meta.url), 'utf8'));
  });

  test('and every reason for leaving something out is that of a case', () => {
    const needs = new Set(runs.flatMap(({ results }) => results.flatMap(({ unsupported }) => [...unsupported.keys()])));
    expect(Object.keys(outOfScope).filter((need) => !needs.has(need))).toEqual([]);
  });
});
