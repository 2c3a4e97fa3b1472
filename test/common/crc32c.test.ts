/** CRC-32C against the vectors of its standard, and parts against the whole. */

import { expect, test } from 'vitest';
import { combineCrc32c, compositeCrc32c, crc32c } from '../../src/common/crc32c.ts';
import { Random } from '../simulation/random.ts';

const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);

/** RFC 3720 (iSCSI), appendix B.4, and the check value of the catalogue of CRCs. */
test.each([
  ['nothing', new Uint8Array(0), 0],
  ['the digits', Buffer.from('123456789'), 0xe3069283],
  ['zeros', new Uint8Array(32), 0x8a9136aa],
  ['ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['ascending', ascending, 0x46dd794e],
  ['descending', ascending.toReversed(), 0x113fdb5c],
])('%s', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});

test('a checksum goes on where another ended', () => {
  expect(crc32c(Buffer.from('6789'), crc32c(Buffer.from('12345')))).toBe(0xe3069283);
});

test('parts combine to the whole, wherever it is cut', () => {
  const digits = Buffer.from('123456789');
  for (let cut = 0; cut <= 9; cut++) {
    const [first, second] = [digits.subarray(0, cut), digits.subarray(cut)];
    expect(combineCrc32c(crc32c(first), crc32c(second), second.length)).toBe(0xe3069283);
  }
  for (let seed = 0; seed < 50; seed++) {
    const random = new Random(seed);
    const parts = Array.from({ length: random.between(0, 6) }, () => random.bytes(random.below(3_000)));
    const composite = compositeCrc32c(parts.map((part) => ({ crc32c: crc32c(part), length: part.length })));
    expect(composite, `seed ${seed}`).toBe(crc32c(Buffer.concat(parts)));
  }
});

test('lengths beyond 32 bits: 6 GiB of zeros behind the digits, one by one and at once', () => {
  const gib = zeroGib();
  let zeros = 0;
  let steps = 0xe3069283;
  for (let i = 0; i < 6; i++) {
    zeros = combineCrc32c(zeros, gib, 2 ** 30);
    steps = combineCrc32c(steps, gib, 2 ** 30);
  }
  expect(combineCrc32c(0xe3069283, zeros, 6 * 2 ** 30)).toBe(steps);
});

/** By doubling a MiB ten times. */
function zeroGib(): number {
  const mib = 2 ** 20;
  let crc = crc32c(new Uint8Array(mib));
  for (let bytes = mib; bytes < 2 ** 30; bytes *= 2) crc = combineCrc32c(crc, crc, bytes);
  return crc;
}
