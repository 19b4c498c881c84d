"""How bytes begin that are packed, or a text in a Unicode encoding: the marks that all readers tell them by."""

GZIP = b"\x1f\x8b"
GZIP_DEFLATE = b"\x1f\x8b\x08"
"""gzip's mark with its only method, for where two bytes might stand by chance."""
ZSTD = b"\x28\xb5\x2f\xfd"
ZSTD_DICTIONARY = b"\x5d\x2a\x4d\x18"
"""Of a skippable frame at the beginning of a file, which holds the dictionary of those behind it (IIPC, .warc.zst)."""
BZIP2 = b"BZh"
XZ = b"\xfd7zXZ\0"
LZ4 = b"\x04\x22\x4d\x18"
COMPRESS = b"\x1f\x9d"
BOM = b"\xef\xbb\xbf"
WIDE_BOMS = {
    b"\xff\xfe\0\0": "utf-32le",
    b"\0\0\xfe\xff": "utf-32be",
    b"\xff\xfe": "utf-16le",
    b"\xfe\xff": "utf-16be",
}
"""Byte order marks but UTF-8's -> encoding, by the standard's names, which Python knows too. Longer ones first: those
of UTF-32 may be UTF-16's before a NUL."""
