"""A run is asked for once, whatever becomes of the answer, and nothing of the process is changed for that."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tuning.records import tags
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import make_client
from tuning.records.projection.runs import Runs

RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"


@pytest.fixture
def server(monkeypatch):
    """An MLflow that is asked for runs; what `answers` do becomes of each, and what the process had set meanwhile."""
    monkeypatch.setenv(RETRIES, "3")

    class Handler(BaseHTTPRequestHandler):
        asked, answers, seen = [], [], []

        def do_GET(self):
            self._tell(200, {"server_info": {}})

        def do_POST(self):
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self.path.endswith("/runs/create"):
                self._tell(200, {})
                return
            self.asked.append(content)
            self.seen.append(os.environ.get(RETRIES))
            status = self.answers.pop(0) if self.answers else 200
            if status:  # else the line is cut before the answer
                self._tell(status, {"run": {"info": {"run_id": "the run"}, "data": {}}})

        def _tell(self, status, content):
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *given):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        Handler.url = f"http://127.0.0.1:{serving.server_port}"
        yield Handler
        serving.shutdown()
        thread.join()


@pytest.fixture
def runs(server, tmp_path):
    with Ledger.write(tmp_path / "smiles") as ledger:
        found = Runs(make_client(server.url), ledger)
        found.experiment = "7"
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("status", [0, 503])
def test_a_run_is_not_asked_for_again_where_no_answer_came(server, runs, status):
    server.answers.append(status)
    with pytest.raises(Exception, match="runs/create"):
        runs.of("search-0000", "first", {})
    assert (len(server.asked), runs.by_trial) == (1, {})


@pytest.mark.slow
def test_a_run_is_asked_for_with_all_that_it_is_found_by_and_other_threads_see_no_change(server, runs):
    assert runs.of("search-0000", "first", {"a": "b"}, started_at=12.5) == "the run"
    (asked,) = server.asked
    told = {one["key"]: one["value"] for one in asked["tags"]}
    ledger = {tags.STUDY: "smiles", tags.TRIAL_ID: "search-0000", tags.LEDGER: runs.ledger.uid}
    assert told == {"a": "b", "mlflow.runName": "first"} | ledger
    assert (asked["experiment_id"], asked["start_time"], asked["run_name"]) == ("7", 12500, "first")
    assert server.seen == ["3"] == [os.environ[RETRIES]]
