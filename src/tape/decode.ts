/**
 * The bytes of a file → text. Plain or gzip, UTF-8 or GB18030.
 *
 * What must stay true: streaming, flat memory; a file that is cut off, binary or in another
 * encoding is a failure of the whole file, because part of it would be a silent loss.
 */
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AssentError } from '../model/error.ts';

export type Encoding = 'utf-8' | 'gb18030';

async function* withFirst(first: Uint8Array, rest: AsyncIterator<Uint8Array>) {
  yield first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

async function* gunzipped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  const input = Readable.from(source);
  input.on('error', (error) => gunzip.destroy(error));
  let bytes = 0;
  try {
    for await (const chunk of input.pipe(gunzip)) {
      bytes += (chunk as Uint8Array).length;
      yield chunk as Uint8Array;
    }
  } catch (error) {
    if (error instanceof AssentError) throw error;
    throw new AssentError('tape_truncated', {
      detail: `the gzip ends or breaks after ${bytes} bytes of text`,
    });
  }
}

/** A NUL or a UTF-16 mark in the first bytes: not a text file that we read. */
function refuseBinary(first: Uint8Array): void {
  const [a, b] = first;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
    throw new AssentError('tape_encoding', { detail: 'the file is UTF-16; save it as UTF-8' });
  }
}

/**
 * Text chunks of a file. @throws tape_empty, tape_binary, tape_encoding, tape_truncated.
 */
export async function* decodeText(
  source: AsyncIterable<Uint8Array>,
  encoding: Encoding,
): AsyncGenerator<string> {
  const iterator = source[Symbol.asyncIterator]();
  let head = await iterator.next();
  while (!head.done && head.value.length === 0) head = await iterator.next();
  if (head.done) throw new AssentError('tape_empty', { detail: 'the file has no bytes' });
  const whole = withFirst(head.value, iterator);
  const isGzip = head.value[0] === 0x1f && head.value[1] === 0x8b;
  if (!isGzip) refuseBinary(head.value);
  const decoder = new TextDecoder(encoding, { fatal: true });
  let bytes = 0;
  const decode = (chunk?: Uint8Array) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw new AssentError('tape_encoding', {
        detail: `the text is not ${encoding} near byte ${bytes}`,
      });
    }
  };
  for await (const chunk of isGzip ? gunzipped(whole) : whole) {
    if (chunk.includes(0)) {
      throw new AssentError('tape_binary', { detail: `a NUL byte stands near byte ${bytes}` });
    }
    const text = decode(chunk);
    bytes += chunk.length;
    if (text !== '') yield text;
  }
  const rest = decode();
  if (rest !== '') yield rest;
}
