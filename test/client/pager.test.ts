import { afterEach, expect, test } from 'vitest';
import { Keys } from '../../src/client/repl/keys.ts';
import { pagerCommand, PagerLeft, ResultPager } from '../../src/client/repl/pager.ts';
import { type FakeConsole, fakeConsole } from './fake-console.ts';

let keys: Keys | undefined;

afterEach(() => keys?.close());

function pager(command: readonly string[] | undefined): { console: FakeConsole; pager: ResultPager } {
  const console = fakeConsole({ columns: 40, rows: 10 });
  keys = new Keys(console.stdin);
  return { console, pager: new ResultPager(console, keys, command) };
}

const lines = (first: number, last: number): string =>
  Array.from({ length: last - first + 1 }, (_, index) => `line ${first + index}\n`).join('');

const QUESTION = '-- more -- (space: page, Enter: line, q: enough) ';
const TAKEN_BACK = '\r\u001b[K';

test('what fits on the screen is shown as it is', async () => {
  const { console, pager: short } = pager(undefined);
  await short.write(Buffer.from(lines(1, 4)));
  expect(console.out()).toBe('');
  await short.end();
  expect(console.out()).toBe(lines(1, 4));
});

test('page by page where there is no pager: space, Enter, and q for enough', async () => {
  const { console, pager: long } = pager(undefined);
  const shown = long.write(Buffer.from(lines(1, 30))).catch((problem: unknown) => problem);
  console.input.write(' \rq');
  expect(await shown).toBeInstanceOf(PagerLeft);
  const asked = QUESTION + TAKEN_BACK;
  expect(console.out()).toBe(`${lines(1, 9)}${asked}${lines(10, 18)}${asked}${lines(19, 19)}${asked}`);
});

test('a program gets everything, and one that ends early says that it is enough', async () => {
  const { pager: whole } = pager(['sh', '-c', 'cat > /dev/null']);
  await whole.write(Buffer.from(lines(1, 30)));
  await whole.end();
  keys?.close();
  const { pager: early } = pager(['true']);
  await expect(
    (async () => {
      for (;;) await early.write(Buffer.from(lines(1, 1000)));
    })(),
  ).rejects.toBeInstanceOf(PagerLeft);
});

test('a pager that is not there is named', async () => {
  const { pager: absent } = pager(['no-such-pager']);
  await expect(
    (async () => {
      await absent.write(Buffer.from(lines(1, 30)));
      await absent.end();
    })(),
  ).rejects.toThrow('the pager no-such-pager cannot be started');
});

test('the environment names the pager', () => {
  expect(pagerCommand({ PAGER: '' })).toEqual([]);
  expect(pagerCommand({ PAGER: 'off' })).toEqual([]);
  expect(pagerCommand({ PAGER: 'more -d' })).toEqual(['more', '-d']);
  expect(pagerCommand({ PAGER: 'more', TUTTI_PAGER: 'most' })).toEqual(['most']);
});
