"""Which records a run takes: all, or a sample by hash."""

import xxhash


class Sample:
    """A share of records by hash: the same records in every run with this seed, and a subset of any larger share."""

    def __init__(self, share: float, seed: int):
        self.all = share >= 1
        self._below = int(share * 2**64)
        self._seed = seed % 2**64

    def takes(self, identity: str) -> bool:
        """Whether the document of this doc_id is in the sample."""
        return self.all or xxhash.xxh3_64_intdigest(identity.encode(), self._seed) < self._below


class OnlyOne(Sample):
    """The document of one doc_id, and no other: whoever looks for it reads past all that come before it."""

    def __init__(self, doc_id: str):
        super().__init__(0.0, 0)
        self._doc_id = doc_id

    def takes(self, identity: str) -> bool:
        """Whether it is the one."""
        return identity == self._doc_id
