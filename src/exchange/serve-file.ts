/**
 * Serves one file of a task's output: whole, or a range of it. Behind a whole one stands its checksum: its writer's, or one
 * that is made while it is sent.
 */

import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Checksum } from './file-checksum.ts';
import { sizeOfFile } from '../common/files.ts';
import type { OutputFile } from './task-protocol.ts';

/** Length of the whole file: an answer with a trailer carries no content-length. */
export const BYTES_HEADER = 'x-tutti-bytes';
export const CHECKSUM_TRAILER = 'x-tutti-crc32';

/** Bytes read at a time. */
const CHUNK_BYTES = 256 * 1024;

/** Answers the request; ends it early when the file cannot be read to its end. */
export async function serveFile(file: OutputFile, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const size = sizeOfFile(file.path);
  if (size !== file.bytes) {
    refuse(response, 410, size === undefined ? 'the file is gone' : `the file has ${size} bytes, not ${file.bytes}`);
    return;
  }
  const { range } = request.headers;
  if (range === undefined) return serveWhole(file, response);
  const bounds = parseRange(range, size);
  if (!bounds) {
    response.setHeader('content-range', `bytes */${size}`);
    refuse(response, 416, `no such range in ${size} bytes: ${range}`);
    return;
  }
  const { first, last } = bounds;
  response.writeHead(206, {
    'content-type': 'application/octet-stream',
    'content-length': last - first + 1,
    'content-range': `bytes ${first}-${last}/${size}`,
    [BYTES_HEADER]: size,
  });
  await send(file.path, response, { start: first, end: last });
}

async function serveWhole(file: OutputFile, response: ServerResponse): Promise<void> {
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    [BYTES_HEADER]: file.bytes,
    trailer: CHECKSUM_TRAILER,
  });
  const sent = new Checksum();
  const { checksum } = file;
  await send(file.path, response, {}, (chunk) => {
    if (checksum === undefined) sent.pass(chunk);
  });
  response.addTrailers({ [CHECKSUM_TRAILER]: checksum ?? sent.text });
  response.end();
}

/** A reader that leaves ends the reading; a disk that fails ends the answer, which the reader sees as cut off. */
async function send(
  path: string,
  response: ServerResponse,
  bounds: { readonly start?: number; readonly end?: number },
  watch?: (chunk: Buffer) => void,
): Promise<void> {
  const stream = createReadStream(path, { ...bounds, highWaterMark: CHUNK_BYTES });
  if (watch) stream.on('data', (chunk) => watch(chunk as Buffer));
  try {
    await pipeline(stream, response, { end: watch === undefined });
  } catch (problem) {
    response.destroy(problem as Error);
    throw problem;
  }
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: why }));
}

/** `bytes=first-last`, `bytes=first-`; undefined for ranges that are not in the file. */
export function parseRange(text: string, size: number): { readonly first: number; readonly last: number } | undefined {
  const parts = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(text);
  if (!parts) return undefined;
  const first = Number(parts[1]);
  const last = parts[2] === '' ? size - 1 : Math.min(Number(parts[2]), size - 1);
  return first <= last ? { first, last } : undefined;
}
