/** Records as JSON: small, readable with a journal's dump at hand, and parsed faster than they are applied. */

import type { NamespaceRecord } from './records.ts';

export const encodeRecord = (record: NamespaceRecord): Uint8Array => Buffer.from(JSON.stringify(record));

/** Copies what it keeps of the bytes. They are whole: the journal has checked them. */
export function decodeRecord(bytes: Uint8Array): NamespaceRecord {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return JSON.parse(text) as NamespaceRecord;
}
