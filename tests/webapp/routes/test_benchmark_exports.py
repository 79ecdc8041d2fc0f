"""A benchmark as files over HTTP: the four of a report, named after it, and nothing else."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from separation.benchmark.report import FILES
from separation.engine.engine import Inline
from storage.records import BenchmarkTable, JobTable
from tests.support.kept_benchmarks import keep_large_benchmark
from webapp.routes.benchmark_exports import add_benchmark_export_routes
from webapp.state.benchmarks import Benchmarks
from webapp.state.queue.jobs import Jobs


@pytest.fixture
def client(store):
    keep_large_benchmark(store, n_settings=3, n_songs=2)
    jobs = Jobs(store, Inline(), JobTable(store.folder))
    app = FastAPI()
    add_benchmark_export_routes(app, Benchmarks(store, Inline(), jobs, BenchmarkTable(store.folder)))
    with TestClient(app) as client:
        yield client
    jobs.close()


@pytest.mark.parametrize("file", FILES)
def test_every_file_of_the_report_is_there(client, file):
    answer = client.get(f"/benchmarks/large/{file}")
    assert answer.status_code == 200
    assert "Many chunk lengths" in answer.text or "chunk 5.25 s" in answer.text
    assert "attachment" in answer.headers["content-disposition"] and "large" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"


def test_the_json_has_every_cell(client):
    everything = json.loads(client.get("/benchmarks/large/benchmark.json").text)
    assert everything["benchmark"]["name"] == "Many chunk lengths"
    assert len(everything["cells"]) == 6


@pytest.mark.parametrize("path", ["none/table.csv", "large/passwd", "large/..%2F..%2Fsecret", "large/"])
def test_nothing_else_is(client, path):
    assert client.get(f"/benchmarks/{path}").status_code == 404
