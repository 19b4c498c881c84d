"""Compiled loops over the UTF-8 bytes of Arrow buffers. Letters in names: B bytes, D documents, D1 = D + 1 offsets."""
