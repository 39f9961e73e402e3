import { describe, test } from 'vitest';

const reason = 'no Chromium was found. Install it, or set CHROMIUM_PATH.';
console.log(`skipped the tests in Chromium: ${reason}`);
describe.skip('in Chromium', () => test(`needs a browser: ${reason}`, () => {}));
