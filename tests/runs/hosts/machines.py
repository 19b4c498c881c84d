"""Several hosts on one machine: each has its own network, files, processes and host name. Root is needed, and iproute2.

A host is a process in namespaces of its own. It sees the installed software, read-only, as an image would hold it, and
nothing else of this machine: what it writes lies in memory and goes with it. All hosts hang on one switch, which is a
namespace too, so that this machine's own network is left alone. Everything ends with the processes that are started
here, which end with the process that started them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
NETWORK = "10.77.0"
MASK = 24
_NAMESPACES = ["--net", "--uts", "--pid", "--mount", "--fork", "--kill-child", "--propagation", "private"]
_SWITCH = "ip link add name switch type bridge && ip link set switch up && exec sleep infinity"
# $1: an empty folder that becomes the root; $2: the host's name; the rest: what it sees of this machine.
_BOOT = r"""
set -eu
root=$1; name=$2; shift 2
mount -t tmpfs -o mode=755 "$name" "$root"
cd "$root"
for folder in proc dev tmp run root var/tmp etc old; do mkdir -p "$folder"; done
chmod 1777 tmp var/tmp
for seen in "$@"; do
    mkdir -p ".$(dirname "$seen")"
    if [ -L "$seen" ]; then cp -a "$seen" ".$seen"; continue; fi
    if [ -d "$seen" ]; then mkdir -p ".$seen"; else touch ".$seen"; fi
    mount --bind "$seen" ".$seen"
    mount -o remount,bind,ro ".$seen"
done
mount --rbind /dev dev
mount -t proc proc proc
hostname "$name"
ip link set lo up
pivot_root . old
umount -l /old
trap '' CHLD
exec sleep infinity
"""
_LINUX = ("/bin", "/sbin", "/lib", "/lib64", "/usr")
_LINUX += tuple(
    f"/etc/{name}" for name in ("alternatives", "java-17-openjdk", "ssl", "passwd", "group", "nsswitch.conf")
)


def image() -> list[str]:
    """What an image holds: a Linux with Java, Python, the packages, and this repository."""
    software = [sys.base_prefix, sys.prefix, str(REPOSITORY)]
    return [path for path in dict.fromkeys((*_LINUX, *software)) if os.path.lexists(path)]


def environment() -> dict[str, str]:
    """Of every process on a host: nothing of this machine's comes along."""
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    )
    return {
        "PATH": path,
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@dataclass
class Host:
    """One machine of the cluster."""

    name: str
    address: str
    init: int
    """Its first process, as this machine numbers it; with it all others end."""
    environment: dict[str, str] = field(default_factory=environment)
    """Of its processes; a test may add to it, as a user would on that machine."""

    def inside(self, line: Sequence[object]) -> list[str]:
        """The command that runs a command there."""
        return ["nsenter", f"--target={self.init}", "--net", "--uts", "--pid", "--mount", "--", *map(str, line)]

    def run(self, line: Sequence[object], seconds: float = 600, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command there and wait for it; `more`: of its environment."""
        settings = {**self.environment, **more}
        return subprocess.run(
            self.inside(line), env=settings, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL
        )

    def start(self, line: Sequence[object], log: Path, **more: str) -> subprocess.Popen[bytes]:
        """Start a command there."""
        with log.open("wb") as said:
            return subprocess.Popen(
                self.inside(line), env={**self.environment, **more}, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )

    def write(self, path: str, data: bytes) -> None:
        """Put a file on its disk."""
        line = self.inside(["sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "sh", path])
        subprocess.run(line, input=data, env=self.environment, check=True)

    def copy(self, folder: Path, path: str) -> None:
        """Put a folder with all in it on its disk."""
        packed = subprocess.run(["tar", "-C", folder, "-c", "."], capture_output=True, check=True).stdout
        line = self.inside(["sh", "-c", 'mkdir -p "$1" && tar -C "$1" -x', "sh", path])
        subprocess.run(line, input=packed, env=self.environment, check=True)

    def wait_for(self, address: str, process: subprocess.Popen, log: Path, seconds: float = 120) -> None:
        """Until something listens at HOST:PORT, as seen from here."""
        host, _, port = address.rpartition(":")
        probe = f"import socket; socket.create_connection(({host!r}, {port}), 2).close()"
        deadline = time.monotonic() + seconds
        while self.run([sys.executable, "-S", "-c", probe]).returncode:
            assert process.poll() is None, log.read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, f"nothing listens at {address}"
            time.sleep(0.3)

    def kill(self) -> None:
        """End everything on it at once: its connections are closed by the kernel, as when a machine is reset."""
        subprocess.run(["kill", "-KILL", str(self.init)], check=True)

    def unplug(self) -> None:
        """Take it off the network: nobody hears of it any more, as when the power fails."""
        subprocess.run([*self.inside(["ip", "link", "set", "eth0", "down"])], check=True)


@contextmanager
def hosts(*names: str, services: Mapping[str, str] | None = None) -> Iterator[dict[str, Host]]:
    """Start hosts on one switch. They end with the block.

    `services`: name -> host. As in Kubernetes a host knows its own name and those of services, and no other.
    """
    with tempfile.TemporaryDirectory(prefix="gristmill-hosts-") as scratch:
        folder, started, found = Path(scratch), [], {}
        try:
            switch = _unshared(["--net", "--fork", "--kill-child"], ["sh", "-c", _SWITCH], started)
            addresses = {name: f"{NETWORK}.{10 + number}" for number, name in enumerate(names)}
            known = "".join(f"{addresses[host]} {service}\n" for service, host in (services or {}).items())
            for name, address in addresses.items():
                (folder / name).mkdir()
                boot = ["sh", "-c", _BOOT, "sh", str(folder / name), name, *image()]
                found[name] = Host(name, address, _unshared(_NAMESPACES, boot, started))
                _plug(switch, found[name])
                found[name].write("/etc/hosts", f"127.0.0.1 localhost\n{address} {name}\n{known}".encode())
            yield found
        finally:
            for process in started:
                process.kill()
                process.wait()
            for host in found.values():
                _await_end(host.init)


def _unshared(namespaces: list[str], line: list[str], started: list[subprocess.Popen]) -> int:
    """Start a command in new namespaces. Returns its first process."""
    process = subprocess.Popen(["unshare", *namespaces, *line], stdin=subprocess.DEVNULL)
    started.append(process)
    deadline = time.monotonic() + 20
    while True:
        assert process.poll() is None, "the kernel gives no namespaces: root is needed"
        for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            if Path(f"/proc/{child}/comm").read_text() == "sleep\n":  # all that comes before is done
                return int(child)
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _await_end(init: int) -> None:
    """The kernel ends a host's first process behind its parent's end, and not at once."""
    deadline = time.monotonic() + 20
    while os.path.lexists(f"/proc/{init}/ns/net") and time.monotonic() < deadline:
        time.sleep(0.02)


def _plug(switch: int, host: Host) -> None:
    """A cable from the switch to a host."""
    ip = ["nsenter", f"--target={switch}", "--net", "ip"]
    far = ["peer", "name", "eth0", "netns", str(host.init)]
    subprocess.run([*ip, "link", "add", "name", host.name, "type", "veth", *far], check=True)
    subprocess.run([*ip, "link", "set", "dev", host.name, "master", "switch", "up"], check=True)
    subprocess.run(host.inside(["ip", "address", "add", f"{host.address}/{MASK}", "dev", "eth0"]), check=True)
    subprocess.run(host.inside(["ip", "link", "set", "eth0", "up"]), check=True)


def missing() -> str:
    """What this machine lacks for hosts; empty: nothing."""
    if os.getuid():
        return "root is needed for namespaces"
    lacking = [tool for tool in ("ip", "unshare", "nsenter", "pivot_root") if shutil.which(tool) is None]
    return f"{lacking[0]} is needed (apt-get install iproute2 util-linux)" if lacking else ""
