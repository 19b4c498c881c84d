"""What makes the other tests here worth anything: hosts share a network and nothing else."""

import sys
import time

import pytest

from tests.runs.hosts.machines import REPOSITORY, hosts, missing

pytestmark = [pytest.mark.process, pytest.mark.skipif(bool(missing()), reason=missing() or "all is there")]
_SERVE = "import socket; s = socket.create_server(('0.0.0.0', 4000)); s.accept()[0].sendall(b'hi'); s.accept()"
_ASK = "import socket; print(socket.create_connection(('mill', 4000), 5).recv(9).decode())"


def test_hosts__share_a_network_and_no_file_no_process_no_name(tmp_path):
    with hosts("a", "b", services={"mill": "b"}) as found:
        a, b = found["a"], found["b"]
        server = b.start([sys.executable, "-S", "-c", _SERVE], tmp_path / "log")
        deadline = time.monotonic() + 20
        while (said := a.run([sys.executable, "-S", "-c", _ASK])).returncode and time.monotonic() < deadline:
            time.sleep(0.1)
        assert said.stdout == "hi\n"
        assert a.run(["getent", "hosts", "b"]).returncode != 0
        a.write("/root/磨坊/secret", b"of a")
        assert b.run(["ls", "/root/磨坊"]).returncode != 0
        assert a.run(["cat", "/root/磨坊/secret"]).stdout == "of a"
        assert a.run(["ls", tmp_path]).returncode != 0
        assert a.run(["touch", REPOSITORY / "written"]).returncode != 0
        assert [host.run(["hostname"]).stdout for host in (a, b)] == ["a\n", "b\n"]
        assert str(server.pid) not in a.run(["ls", "/proc"]).stdout.split()
        b.kill()
        assert server.wait(timeout=20) != 0
        assert a.run([sys.executable, "-S", "-c", _ASK], seconds=30).returncode != 0
    assert a.run(["true"]).returncode != 0
