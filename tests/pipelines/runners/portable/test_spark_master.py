"""What is read from a master's page; `tests/runs/cluster` reads the pages of real masters."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.runners.portable.spark_master import Master, check, read

MASTER = "spark://127.0.0.1:7077"
PAGE = """<title>Spark Master at {master}</title>
<span class="version" style="margin-right: 15px;">{version}</span> Spark Master at {master}
<li><strong>Alive Workers:</strong> {workers}</li>"""
NEWER = PAGE.replace("Alive Workers:</strong> {workers}", "Workers:</strong> {workers} Alive, 1 Dead")


@pytest.fixture
def serve():
    """Function: page -> its address."""
    servers = []

    def call(page: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_):
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield call
    for server in servers:
        server.shutdown()
        server.server_close()


def test_page__version_and_workers(serve):
    page = serve(PAGE.format(master=MASTER, version="3.5.8", workers=2))
    assert read(page, MASTER) == Master("3.5.8", 2)
    assert check(MASTER, page) == ""
    assert read(serve(NEWER.format(master=MASTER, version="4.0.1", workers=2)), MASTER) == Master("4.0.1", 2)
    assert check(MASTER, serve(PAGE.format(master=MASTER, version="3.5.1", workers=0))).startswith("no worker is")


@pytest.mark.parametrize("itself", ["spark://0.0.0.0:7077", "spark://10.1.2.3:7077", "spark://spark-master-6b9f:7077"])
def test_master_that_calls_itself_by_another_name__is_the_one_at_that_port(serve, itself):
    page = serve(PAGE.format(master=itself, version="3.4.4", workers=2))
    for known in ("spark://spark-master:7077", "spark://spark-master:7077,standby:7077"):
        assert read(page, known) == Master("3.4.4", 2)
    assert read(page, "spark://spark-master:7078") is None
    assert read(page, "spark://spark-master:70") is None


@pytest.mark.parametrize("version", ["3.4.4", "4.0.1"])
def test_another_version__is_named_beside_ours(serve, version):
    with pytest.raises(RunnerError, match=rf"the cluster runs Spark {version}, not 3\.5\.8"):
        check(MASTER, serve(PAGE.format(master=MASTER, version=version, workers=2)))


def test_page_of_another_master_or_of_something_else__says_nothing_unless_it_was_given(serve):
    other = serve(PAGE.format(master="spark://127.0.0.1:9", version="3.4.4", workers=2))
    for page in (other, serve("<html>hello</html>"), "http://127.0.0.1:1"):
        assert read(page, MASTER) is None
        with pytest.raises(RunnerError, match="not the page of the Spark master"):
            check(MASTER, page)
