"""What is wrong with a conversation."""


class ChatError(ValueError):
    """A conversation that cannot be learnt from: `RolesOutOfOrder: turn 3 is tool, after user`.

    The first word says what kind of fault it is; nothing that somebody wrote stands in it.
    """

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(f"{kind}: {message}")
