/**
 * Gathers byte chunks into pieces of a bounded size. Chunks are never cut, so a piece ends where
 * a chunk ended (at a row's end).
 */
export async function* batches(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array[]> {
  let piece: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    piece.push(chunk);
    size += chunk.byteLength;
    if (size >= bytes) {
      yield piece;
      piece = [];
      size = 0;
    }
  }
  if (size > 0) yield piece;
}
