"""Google's services on loopback, for tests: a plugin of pytest (tests/conftest.py)."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PROJECT, REGION, IMAGE = "mill-project", "europe-west4", "mill-project/mill/gristmill:0.1.0"


@dataclass
class Google:
    """The server, which ends with our end of its stdin, and the key of an account that it knows."""

    port: int
    key: Path

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a user's environment would hold."""
        return {
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.key),
            "STORAGE_EMULATOR_HOST": self.address,
            "NO_GCE_CHECK": "true",
            "GCE_METADATA_HOST": "localhost:1",
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",  # of gcsfs as the tests use it
        }

    @property
    def arguments(self) -> tuple[str, ...]:
        """Of a job that can begin."""
        place = (f"--project={PROJECT}", f"--region={REGION}", "--temp_location=gs://mill/temp")
        return (*place, f"--sdk_container_image=localhost:{self.port}/{IMAGE}", f"--dataflow_endpoint={self.address}")

    def ask(self, do: str, **asked: Any) -> Any:
        """The server's door for tests: see `server.Doors`."""
        body = json.dumps({"do": do, **asked}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.address}/_tests", body, method="POST")) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="session")
def google_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Google]:
    """One for all tests of a process."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.google_cloud.server"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, env=environment)
    assert server.stdout is not None
    port = int(server.stdout.readline())
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forms = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    account = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "1",
        "private_key": private.private_bytes(*forms).decode(),
        "client_email": f"mill@{PROJECT}.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"http://localhost:{port}/token",
    }
    key = tmp_path_factory.mktemp("google") / "key.json"
    key.write_text(json.dumps(account), encoding="utf-8")
    yield Google(port, key)
    server.kill()
    server.wait()


@pytest.fixture
def google(google_server: Google, monkeypatch: pytest.MonkeyPatch) -> Google:
    """The server with one bucket, gs://mill, and the image; the environment of this process set for it."""
    for name, value in google_server.environment.items():
        monkeypatch.setenv(name, value)
    google_server.ask("clear", environment=google_server.environment)
    google_server.ask("bucket", name="mill")
    google_server.ask("image", path=IMAGE)
    return google_server
