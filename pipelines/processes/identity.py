"""Which process it was: numbers are used again, so a process is its number, its start and its machine."""

import os
import socket
from datetime import UTC, datetime
from pathlib import Path

MACHINE_ID = Path("/etc/machine-id")


def machine() -> str:
    """This boot of this machine, what its process numbers count in, and the id that it keeps when it is started again
    (man 5 machine-id; absent in many containers); empty where Linux does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        told = f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
    try:
        return f"{told} {MACHINE_ID.read_text(encoding='ascii').strip()}".rstrip()
    except (OSError, UnicodeDecodeError):
        return told


def born(pid: int) -> str:
    """When a process began, in ticks since the machine's start; "" where there is none of that number, or a zombie."""
    try:
        # man 5 proc: the name may hold spaces and brackets; the 22nd field is the 20th behind it.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def myself() -> dict[str, str | int]:
    """This process, as another one can tell later whether it still runs."""
    pid = os.getpid()
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": pid, "host": socket.gethostname(), "since": since, "machine": machine(), "born": born(pid)}


def is_gone(process: dict[str, str | int]) -> bool | None:
    """Whether a process (`myself`) has ended; None where this machine cannot tell: it ran on another one.

    What ran on this machine before it was started again has ended. Copies of one image may share the machine's id: so
    the host's name has to be the same, too.
    """
    there, here = str(process["machine"]).split(" "), machine().split(" ")
    if there[:2] == here[:2] and len(here) > 1:
        return process["born"] != born(int(process["pid"]))
    started_again = len(there) == len(here) == 3 and there[2] == here[2] and there[0] != here[0]
    return True if started_again and process["host"] == socket.gethostname() else None
