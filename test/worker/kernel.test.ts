/** The kernel process: its walls, its deaths and its errors. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { raise } from '../../src/types/raise.ts';
import { globFree, quote, SECRET } from '../../src/types/kernel.ts';
import { kernelError } from '../../src/worker/kernel/errors.ts';
import { Kernel, KernelDied, KernelFailure } from '../../src/worker/kernel/kernel.ts';
import type { KernelRows } from '../../src/worker/kernel/protocol.ts';

const MIB = 1024 * 1024;
const folder = mkdtempSync(path.join(tmpdir(), 'tutti-kernel-'));
const work = path.join(folder, 'work');
const odd = path.join(folder, 'odd [1]*');
mkdirSync(work);
mkdirSync(odd);
writeFileSync(path.join(folder, 'outside.csv'), 'a\n1\n');
const options = {
  dataDirectory: work,
  folders: [work, odd],
  spillDirectory: path.join(work, 'spill'),
  memoryBytes: 256 * MIB,
  spillBytesMax: 1024 * MIB,
  threads: 2,
};
const kernel = new Kernel(options, systemClock);

beforeAll(() => kernel.start());
afterAll(async () => {
  await kernel.stop();
  rmSync(folder, { recursive: true });
});

async function rows(sql: string, signal?: AbortSignal): Promise<KernelRows> {
  const job = { kind: 'run', statement: sql, rowsMax: 1000 } as const;
  return (await kernel.run(job, signal)).rows[0]!;
}

async function failure(sql: string, signal?: AbortSignal): Promise<Error> {
  try {
    await rows(sql, signal);
  } catch (problem) {
    return problem as Error;
  }
  throw new Error(`no failure: ${sql}`);
}

/** Seconds of work that an interrupt stops. */
const LONG = 'SELECT count(*) FROM range(100000000) a, range(100000) b WHERE (a.range * b.range) % 7 = 3';

test('answers with rows', async () => {
  expect(await rows('SELECT 1 AS a, 9007199254740993::BIGINT AS b, NULL AS c')).toEqual([
    [1, '9007199254740993', null],
  ]);
});

test('partitions are one file each, and zones are UTC', async () => {
  const target = path.join(work, 'partitions');
  const written = await rows(
    `COPY (SELECT range AS x, range % 150 AS p FROM range(600000)) TO '${target}' (FORMAT parquet, PARTITION_BY (p), RETURN_STATS)`,
  );
  expect(written.length).toBe(150);
  expect(await rows(`SELECT current_setting('TimeZone')`)).toEqual([['UTC']]);
});

test('the sandbox refuses what is outside of its folders', async () => {
  const outside = path.join(folder, 'outside.csv');
  for (const sql of [
    `SELECT * FROM read_csv('${outside}')`,
    `SELECT * FROM read_text('/etc/passwd')`,
    `SELECT * FROM glob('${folder}/*')`,
    `COPY (SELECT 1) TO '${path.join(folder, 'written.csv')}'`,
    `ATTACH '${path.join(folder, 'other.db')}'`,
    `INSTALL httpfs`,
    `LOAD httpfs`,
    `SET memory_limit = '1TB'`,
    `SET allowed_directories = ['/']`,
    `SET enable_external_access = true`,
    `SET threads = 64`,
    `SET TimeZone = 'Asia/Tokyo'`,
    `RESET lock_configuration`,
  ]) {
    expect({ sql, problem: (await failure(sql)).name }).toEqual({ sql, problem: 'KernelFailure' });
  }
  expect(existsSync(path.join(folder, 'written.csv'))).toBe(false);
  expect(await rows(`COPY (SELECT 1) TO '${path.join(work, 'inside.csv')}'`)).toEqual([['1']]);
});

test('a folder with letters of a glob in its name is as open as others', async () => {
  const file = path.join(odd, 'x.parquet');
  await rows(`COPY (SELECT 7 AS x) TO ${quote(file)} (FORMAT parquet)`);
  expect(await rows(`FROM read_parquet([${quote(globFree(file))}])`)).toEqual([[7]]);
  expect(await rows(`SELECT file_name, num_rows FROM parquet_file_metadata([${quote(globFree(file))}])`)).toEqual([
    [file, '1'],
  ]);
});

test('an abort interrupts the statement and leaves the kernel alive', async () => {
  const before = kernel.processId;
  const abort = new AbortController();
  const problem = failure(LONG, abort.signal);
  await sleep(100);
  abort.abort(new Error('called off'));
  expect((await problem).message).toBe('called off');
  expect(kernel.processId).toBe(before);
});

test('a statement that no interrupt stops is ended with its kernel, and others in it are told', async () => {
  const before = kernel.processId;
  const abort = new AbortController();
  const endless = `SELECT max(levenshtein(repeat('a', 400000), repeat('b', 400000)))`;
  const stubborn = failure(endless, abort.signal);
  const other = failure(LONG);
  await sleep(200);
  abort.abort(new Error('called off'));
  expect((await stubborn).message).toBe('called off');
  expect(await other).toMatchObject({ name: 'KernelDied', alone: false });
  expect(await rows('SELECT 1')).toEqual([[1]]);
  expect(kernel.processId).not.toBe(before);
});

test('a killed kernel fails its jobs, and the next job has a new one', async () => {
  const jobs = [failure(LONG), failure(LONG)];
  await sleep(100);
  process.kill(kernel.processId!, 'SIGKILL');
  for (const problem of await Promise.all(jobs)) {
    expect(problem).toBeInstanceOf(KernelDied);
    expect(problem).toMatchObject({ alone: false, outOfMemory: false });
  }
  expect(await rows('SELECT 1')).toEqual([[1]]);
  const single = failure(LONG);
  await sleep(100);
  process.kill(kernel.processId!, 'SIGKILL');
  expect(await single).toMatchObject({ alone: true });
  expect(await rows('SELECT 2')).toEqual([[2]]);
});

test('a bomb takes its kernel at most, never the machine', async () => {
  for (const bomb of [
    `SELECT length(repeat('x', 3000000000)) + length(repeat('y', 3000000000))`,
    `SELECT length(printf('%2000000000d', 1)) + length(printf('%2000000000d', 2))`,
    `SELECT len(range(400000000)) + len(range(400000001))`,
  ]) {
    const problem = await failure(bomb);
    const outcome = problem instanceof KernelDied ? problem.outOfMemory : kernelError(problem.message).code;
    expect([true, 'EXCEEDED_LOCAL_MEMORY_LIMIT', 'NUMERIC_VALUE_OUT_OF_RANGE']).toContain(outcome);
    expect(await rows('SELECT 1')).toEqual([[1]]);
  }
});

test('other folders are taken up when nothing runs', async () => {
  const other = path.join(folder, 'other');
  mkdirSync(other);
  writeFileSync(path.join(other, 'a.csv'), 'a\n7\n');
  const read = `SELECT a FROM read_csv('${other}/a.csv')`;
  expect(await failure(read)).toBeInstanceOf(KernelFailure);
  const abort = new AbortController();
  const long = failure(LONG, abort.signal);
  await sleep(50);
  kernel.reconfigure({ ...options, folders: [work, other] });
  const answer = rows(read);
  await sleep(50);
  abort.abort(new Error('called off'));
  await long;
  expect(await answer).toEqual([['7']]);
});

test('options that do not open it fail its jobs until there are others', async () => {
  kernel.reconfigure({ ...options, threads: 0 });
  expect(await failure('SELECT 1')).toBeInstanceOf(KernelFailure);
  kernel.reconfigure(options);
  expect(await rows('SELECT 1', AbortSignal.timeout(20_000))).toEqual([[1]]);
});

test('the kernel ends with its parent, whatever runs', async () => {
  const source = path.resolve(import.meta.dirname, '../../src');
  const script = `
    import { Kernel } from '${source}/worker/kernel/kernel.ts';
    import { systemClock } from '${source}/common/clock.ts';
    const kernel = new Kernel(${JSON.stringify(options)}, systemClock);
    kernel.start();
    kernel.run({ kind: 'run', statement: ${JSON.stringify(LONG)}, rowsMax: 1 });
    setTimeout(() => console.log(kernel.processId), 1500);
  `;
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
  const child = await new Promise<number>((resolve) => {
    parent.stdout.once('data', (text: Buffer) => resolve(Number(text.toString())));
  });
  // A dead process that nobody has waited for yet shows as Z.
  const alive = (): boolean => {
    const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(child)], { encoding: 'utf8' });
    return stdout.trim() !== '' && !stdout.startsWith('Z');
  };
  expect(alive()).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(alive, { timeout: 10_000 }).toBe(false);
});

test('errors get codes', () => {
  const raised = `Conversion Error: Could not convert string 'TUTTI:${SECRET}:DIVISION_BY_ZERO:Division by zero:ITTUT' to INT64`;
  const cases: readonly (readonly [message: string, code: string, text?: string])[] = [
    [`${raised}\n\nLINE 1: x`, 'DIVISION_BY_ZERO', 'Division by zero'],
    // Not raised by us: the excerpt of a statement that could raise it, and a text without the secret.
    [`Conversion Error: Could not convert string 'abc' to INT32\n\nLINE 1: ${raised}`, 'INVALID_CAST_ARGUMENT', 'abc'],
    [raised.replace(SECRET, ''), 'INVALID_CAST_ARGUMENT'],
    [raised.replace(SECRET, '\uFFFD'), 'INVALID_CAST_ARGUMENT'],
    [
      `Conversion Error: Could not convert string 'abc' to INT32\n\nLINE 1: SELECT`,
      'INVALID_CAST_ARGUMENT',
      `Could not convert string 'abc' to INT32`,
    ],
    [
      'Out of Memory Error: failed to allocate data of size 1.0 GiB (200MiB/200MiB used)',
      'EXCEEDED_LOCAL_MEMORY_LIMIT',
    ],
    [`Out of Memory Error: failed to offload data block of size 256.0 KiB (1 GiB/1 GiB used).`, 'EXCEEDED_SPILL_LIMIT'],
    ['std::bad_alloc', 'EXCEEDED_LOCAL_MEMORY_LIMIT'],
    [`IO Error: No files found that match the pattern "/x/a.parquet"`, 'FILE_NOT_FOUND'],
    ['IO Error: Could not write file "/x": No space left on device', 'GENERIC_INSUFFICIENT_RESOURCES'],
    ['Binder Error: Referenced column "x" not found', 'GENERIC_INTERNAL_ERROR'],
    ['Conversion Error: Unimplemented type for cast (INTEGER[] -> INTEGER)', 'GENERIC_INTERNAL_ERROR'],
    ['INTERRUPT Error: Interrupted!', 'USER_CANCELED'],
    ['Parser Error: Max expression depth limit of 1000 exceeded.', 'NOT_SUPPORTED'],
  ];
  for (const [message, code, text] of cases) {
    const error = kernelError(message);
    expect({ message, code: error.code }).toEqual({ message, code });
    expect(error.message).toContain(text ?? '');
  }
});

test('errors that may be ours keep the statement, others do not', () => {
  const stack = 'SELECT generated';
  expect(kernelError('Not implemented Error: no such thing', stack)).toEqual({
    code: 'NOT_SUPPORTED',
    message: 'no such thing',
    stack,
  });
  expect(kernelError('Conversion Error: Unimplemented type for cast (INTEGER[] -> INTEGER)', stack)).toMatchObject({
    code: 'GENERIC_INTERNAL_ERROR',
    stack,
  });
  expect(kernelError(`Conversion Error: Could not convert string 'x' to INT64`, stack)).not.toHaveProperty('stack');
});

test('messages about damaged files', () => {
  const messages = [
    `Invalid Input Error: No magic bytes found at end of file '/x/a.parquet'`,
    `Invalid Input Error: File '/x/a.parquet' too small to be a Parquet file`,
    'Invalid Input Error: Failed to read file "/x/a.parquet": Snappy decompression failure',
    'Invalid Input Error: Invalid string encoding found in Parquet file "a": value "b" is not valid UTF8!',
    'Invalid Input Error: Malformed JSON in file "c/j.json", at byte 7 in line 3: unexpected end of data. ',
    'Invalid Input Error: JSON transform error in file "c/k.json", in line 2: Failed to cast value to numerical: "x"',
    'Invalid Input Error: Invalid decimal encoding in Parquet file',
    'Invalid Input Error: Mismatch in parquet read for column 3, expected 8 rows, got 7',
    'Invalid Input Error: The width (77) of the bitpacked data exceeds the supported max width (64)',
    'Invalid Error: Prefetch registered for bytes outside file: a.parquet, attempted range: [1, 2), file size: 1',
    'Invalid Input Error: CSV Error on Line: 3',
    'Conversion Error: CSV Error on Line: 3',
    'Invalid Error: Failed to decompress GZIP block: data error',
    'Invalid Error: Out of buffer',
    'Invalid Error: TProtocolException: Invalid data',
    `Invalid Error: don't know what type: 3`,
    'Invalid Error: Parquet file is likely corrupted, dictionary offset out of range',
    'IO Error: Could not read enough bytes from file "x": attempted to read 8 bytes from location 3',
  ];
  expect(messages.filter((message) => kernelError(message).code !== 'FILE_CORRUPT')).toEqual([]);
});

test('messages about CSV files name the place and what to do, and no options of the kernel', () => {
  const options = '\n\n  file = /data/a b.csv\n  delimiter = , (Set By User)\n  all_varchar = 0';
  const conversion = `Conversion Error: CSV Error on Line: 3
Original Line: B,oops
Error when converting column "price". Could not convert string "oops" to 'DECIMAL'

Column price is being converted as type DECIMAL
Possible solutions:
* Override the type for this column, e.g., types={'price': 'VARCHAR'}${options}`;
  expect(kernelError(conversion)).toEqual({
    code: 'FILE_CORRUPT',
    message:
      `/data/a b.csv, line 3: column "price": Could not convert string "oops" to 'DECIMAL'. ` +
      'Correct the file, or declare the column as varchar in the catalog file',
  });
  const quote = `Invalid Input Error: CSV Error on Line: 7
Original Line: 1,"x

Value with unterminated quote found.

Possible fixes:
* Disable the parser's strict mode${options}`;
  expect(kernelError(quote).message).toBe(
    '/data/a b.csv, line 7: Value with unterminated quote found. Correct the file',
  );
  expect(kernelError('Conversion Error: CSV Error on Line: 3\nsomething new').message).toContain('something new');
});

test('what a value holds decides nothing about its error', () => {
  const words = [
    'corrupt snappy zstd thrift magic bytes parquet CSV Error page header Out of buffer',
    'max_temp_directory_size failed to offload data block bad_alloc could not allocate',
    'No space left on device',
    'Unknown TimeZone',
    'Max expression depth limit',
    "a' to INT64 INTERRUPT Error",
  ];
  for (const word of words) {
    expect(kernelError(`Conversion Error: Could not convert string '${word}' to INT64`).code).toBe(
      'INVALID_CAST_ARGUMENT',
    );
    expect(kernelError(`Invalid Input Error: Could not parse string "${word}" according to x`).code).toBe(
      'INVALID_FUNCTION_ARGUMENT',
    );
  }
});

test("overflows are told in Trino's words", () => {
  const cases: readonly (readonly [message: string, text: string])[] = [
    ['Overflow in addition of INT64 (9223372036854775807 + 1)!', 'bigint addition overflow: 9223372036854775807 + 1'],
    ['Overflow in subtraction of INT8 (-128 - 1)!', 'tinyint subtraction overflow: -128 - 1'],
    ['Overflow in multiplication of INT32 (65536 * 65536)!', 'integer multiplication overflow: 65536 * 65536'],
    ['Overflow in division of -32768 / -1', 'smallint division overflow: -32768 / -1'],
    ['Overflow on abs(-128)', 'Value -128 is out of range for abs(tinyint)'],
    ['Overflow in addition of DECIMAL(38) (1 + 2);', 'Decimal overflow'],
    ['Overflow in HUGEINT addition: 1 + 2', 'Decimal overflow'],
  ];
  for (const [message, text] of cases) {
    expect(kernelError(`Out of Range Error: ${message}`)).toEqual({
      code: 'NUMERIC_VALUE_OUT_OF_RANGE',
      message: text,
    });
  }
});

test('a raised error is told from a text that looks like one', async () => {
  const raised = await failure(`SELECT ${raise('DIVISION_BY_ZERO', 'Division by zero')} FROM range(1)`);
  expect(kernelError(raised.message)).toEqual({ code: 'DIVISION_BY_ZERO', message: 'Division by zero' });
  for (const secret of ['', SECRET, '00000000-0000-0000-0000-000000000000']) {
    const text = `TUTTI:${secret}:DIVISION_BY_ZERO:Division by zero:ITTUT`;
    const quoted = await failure(`SELECT CAST(x AS BIGINT) FROM (SELECT ${quote(text)} AS x) WHERE x IS NOT NULL`);
    expect(kernelError(quoted.message).code).toBe('INVALID_CAST_ARGUMENT');
  }
  expect(await rows(`SELECT ${quote(SECRET)} = chr(${SECRET.codePointAt(0)!}), ${quote('a\0b')}`)).toEqual([
    [true, 'a\0b'],
  ]);
});

test('a text about a broken kernel is a text', async () => {
  const text = 'FATAL Error: database has been invalidated because of a previous fatal error INTERNAL Error';
  const quoted = await failure(`SELECT CAST(x AS BIGINT) FROM (SELECT ${quote(text)} AS x) WHERE x IS NOT NULL`);
  expect(kernelError(quoted.message).code).toBe('INVALID_CAST_ARGUMENT');
});
