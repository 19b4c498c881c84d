"""The ids that every Gristmill tokenizer reserves: the same in all, whatever the corpus or the vocabulary.

Special pieces are SentencePiece CONTROL pieces: no text can produce one, so a page that spells "<eos>" gets the ids of
`<`, `e`, `os`, `>`. Only code that means it appends them by id.
"""

PAD = 0
UNK = 1  # never produced: bytes cover every character
BOS = 2
EOS = 3
MASK = 4
SEP = 5
CLS = 6
SYSTEM = 7
USER = 8
ASSISTANT = 9
TOOL = 10
END = 11  # ends a turn of a conversation
EXTRA_0 = 12  # first sentinel of span corruption; sentinel k is EXTRA_0 + k
SENTINELS = 100

ROLES = ("<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", "<|end|>")
CONTROL_PIECES = ("<mask>", "<sep>", "<cls>", *ROLES, *(f"<extra_{k}>" for k in range(SENTINELS)))
"""Everything after pad, unk, bos, eos, in the order of the ids."""

SPECIAL_IDS: dict[str, int] = {
    name: number for number, name in enumerate(("<pad>", "<unk>", "<bos>", "<eos>", *CONTROL_PIECES))
}
"""Piece -> id, {"<pad>": 0, ..., "<extra_99>": 111}; stored in info.json and in every token shard."""

WHITESPACE_PIECES = ("\n", "\n\n", "\t")
"""Ordinary pieces (ids 112-114), which SentencePiece cannot learn because it trains on single lines."""

FIRST_BYTE = len(SPECIAL_IDS) + len(WHITESPACE_PIECES)
"""Id of the byte piece <0x00>; byte b is FIRST_BYTE + b. Learnt pieces begin at FIRST_BYTE + 256."""

RESERVED = FIRST_BYTE + 256
"""How many ids of a vocabulary are not learnt: 371."""
