"""Names of persons and postal addresses, English and Chinese: a compiled sequence tagger of our own, with its lists."""
