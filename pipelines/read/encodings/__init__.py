"""Encodings as the WHATWG standard says: labels, declarations, decoders; and what is found where nothing was said."""
