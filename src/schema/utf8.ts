/** Offset of the first byte that is not UTF-8: the decoder puts U+FFFD there, where the text itself has none. */
export function firstBadByte(bytes: Buffer): number {
  const text = bytes.toString("utf8");
  for (let at = text.indexOf("\ufffd"); at !== -1; at = text.indexOf("\ufffd", at + 1)) {
    const offset = Buffer.byteLength(text.slice(0, at));
    if (bytes.toString("latin1", offset, offset + 3) !== "\xef\xbf\xbd") return offset;
  }
  return 0;
}
