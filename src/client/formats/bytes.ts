/** A buffer that grows, for writers that put many small pieces behind each other. */
export class ByteSink {
  bytes: Buffer = Buffer.allocUnsafe(SIZE_FIRST);
  length = 0;

  /** Makes room for `count` more bytes; `bytes` may be another buffer afterwards. */
  reserve(count: number): void {
    if (this.bytes.length - this.length >= count) return;
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + count));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  text(text: string): void {
    this.reserve(text.length * UTF8_BYTES_MAX);
    this.length += this.bytes.write(text, this.length);
  }

  copy(source: Buffer, start: number, end: number): void {
    this.reserve(end - start);
    // A call into native code costs more than a short loop.
    if (end - start > NATIVE_COPY_MIN) {
      source.copy(this.bytes, this.length, start, end);
      this.length += end - start;
      return;
    }
    const bytes = this.bytes;
    let length = this.length;
    for (let at = start; at < end; at++) bytes[length++] = source[at]!;
    this.length = length;
  }

  byte(byte: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = byte;
  }

  /** Everything written since the last call; overwritten by what is written next. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.length);
    this.length = 0;
    return taken;
  }
}

const SIZE_FIRST = 64 * 1024;
const NATIVE_COPY_MIN = 64;
/** Bytes of UTF-8 that one UTF-16 unit can become. */
const UTF8_BYTES_MAX = 3;
