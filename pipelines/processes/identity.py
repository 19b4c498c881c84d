"""Which process it was: numbers are used again, so a process is its number, its start and its machine."""

import os
import socket
from datetime import UTC, datetime
from pathlib import Path


def machine() -> str:
    """This boot of this machine, and what its process numbers count in; empty where Linux does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


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
    """Whether a process (`myself`) has ended; None where this machine cannot tell: it ran on another one."""
    if not process["machine"] or process["machine"] != machine():
        return None
    return process["born"] != born(int(process["pid"]))
