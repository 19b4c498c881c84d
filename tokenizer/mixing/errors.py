"""What a user can mend about a mixture: the command and the trainer make their own errors of it."""


class MixError(ValueError):
    """A mixture that cannot be: what is wrong, where (a key, a run, a group), what to do."""

    def __init__(self, what: str, *, where: str, fix: str):
        super().__init__(f"{what} ({where}): {fix}")
        self.what, self.where, self.fix = what, where, fix
