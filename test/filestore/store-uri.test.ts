import { expect, test } from 'vitest';
import { compareNames } from '../../src/filestore/compare-names.ts';
import { parseStoreUri, storeUriText } from '../../src/filestore/store-uri.ts';
import { Random } from '../simulation/random.ts';

test.each([
  ['file:///', { scheme: 'file', path: '/' }],
  ['file:///data/my file#1%20?.csv', { scheme: 'file', path: '/data/my file#1%20?.csv' }],
  ['tutti:///a/b', { scheme: 'tutti', path: '/a/b' }],
  ['tutti://lab/a/b', { scheme: 'tutti', authority: 'lab', path: '/a/b' }],
  ['tutti://lab:8080/', { scheme: 'tutti', authority: 'lab:8080', path: '/' }],
  ['webhdfs://namenode:9870/user/数据', { scheme: 'webhdfs', authority: 'namenode:9870', path: '/user/数据' }],
  ['webhdfs://[::1]:9870/x', { scheme: 'webhdfs', authority: '[::1]:9870', path: '/x' }],
] as const)('%s', (text, uri) => {
  expect(parseStoreUri(text)).toEqual(uri);
  expect(storeUriText(uri)).toBe(text);
});

test.each([
  ['file://localhost/a', { scheme: 'file', path: '/a' }],
  ['FILE:///a/', { scheme: 'file', path: '/a' }],
  ['tutti://lab', { scheme: 'tutti', authority: 'lab', path: '/' }],
] as const)('%s, written otherwise', (text, uri) => expect(parseStoreUri(text)).toEqual(uri));

test.each([
  ['/a/b', /begins with file:/],
  ['file:/a', /begins with file:/],
  ['file://a/b', /three slashes/],
  ['file://', /three slashes/],
  ['webhdfs://namenode/a', /host:port/],
  ['webhdfs:///a', /host:port/],
  ['webhdfs://user@namenode:9870/a', /host:port/],
  ['tutti://a b/c', /no cluster/],
  ['s3://bucket/a', /no file system s3/],
])('%s is no location', (text, why) => {
  expect(() => parseStoreUri(text)).toThrow(expect.objectContaining({ name: 'IllegalArgumentException' }));
  expect(() => parseStoreUri(text)).toThrow(why);
});

test.each(['file:///a/../b', 'tutti:///a//b', 'webhdfs://h:1/./a'])('%s has no valid path', (text) => {
  expect(() => parseStoreUri(text)).toThrow(expect.objectContaining({ name: 'InvalidPathException' }));
});

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

test('names are ordered as their bytes are', () => {
  const random = new Random(1);
  const letters = ['a', 'b', '/', '~', 'é', '\uD7FF', '\uE000', '\uFFFD', '\u{10000}', '😀', '\u{10FFFF}'];
  const names = Array.from({ length: 300 }, () =>
    Array.from({ length: random.below(4) }, () => random.pick(letters)).join(''),
  );
  const differing = names.flatMap((a) =>
    names.filter((b) => Math.sign(compareNames(a, b)) !== byBytes(a, b)).map((b) => [a, b]),
  );
  expect(differing).toEqual([]);
});
