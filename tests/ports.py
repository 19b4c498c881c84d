"""Ports of this machine."""

import socket


def free_port() -> int:
    """A port on loopback that nothing listens at now: one made of a number of the process is now and then another's."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
