"""What is wrong with a language model's file."""


class BadModelError(ValueError):
    """The file cannot be used as a language model; the message says why, and what to do."""
