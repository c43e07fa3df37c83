"""What observers are told of runs, module calls and hosts, and that it holds no secret."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from engine.metrics import EngineMetrics
from engine.model import Webhook
from engine.modules.calls import Failure, ModuleCall, ModuleReply
from engine.observe import Observers
from engine.run_log import RunLog, make_logger
from engine.sandbox.pool import EnginePool
from engine.settings import LuaSettings, Seconds
from engine.transform import Script, Transformer

SECRET = "s3cr3t-value"
WEBHOOK = Webhook(
    id="wh_1",
    config_id="shop:eu",
    endpoint="https://receiver.example/",
    payload=json.dumps({"card": SECRET}).encode(),
    headers={"Authorization": SECRET},
)


class DownModules:
    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        if call.function == "get":
            return ModuleReply(problem="no answer", failure=Failure.UNREACHABLE)
        return ModuleReply()


class Watched:
    """A transformer with both observers."""

    def __init__(self) -> None:
        self.registry, self.stream = CollectorRegistry(), io.StringIO()
        observer = Observers(EngineMetrics(self.registry), RunLog(make_logger(self.stream, as_json=True)))
        self.pool = EnginePool(spares=0, host_ended=observer.host_ended)
        limits = LuaSettings(timeout=Seconds(0.05))
        self._transformer = Transformer(self.pool, limits, observer=observer)

    async def run(self, source: str) -> None:
        await self._transformer.run(Script.of(source.encode()), WEBHOOK, modules=DownModules())

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    made = Watched()
    yield made
    await made.pool.close()


async def test_a_run_is_one_line_and_one_count(watched: Watched) -> None:
    await watched.run('print("hello")')
    (line,) = watched.lines()
    assert (line["event"], line["outcome"], line["level"]) == ("script run", "ok", "info")
    assert (line["config_id"], line["webhook_id"], line["log_lines"]) == ("shop:eu", "wh_1", 1)
    assert watched.count("howk_script_runs_total", outcome="ok") == 1
    assert watched.count("howk_script_cpu_seconds_count") == 1


async def test_a_failed_run_is_a_warning_with_its_type_and_line(watched: Watched) -> None:
    await watched.run('\nerror("boom")')
    (line,) = watched.lines()
    assert (line["outcome"], line["line"], line["level"]) == ("script_runtime_error", 2, "warning")
    assert watched.count("howk_script_runs_total", outcome="script_runtime_error") == 1


async def test_module_calls_are_counted_by_function_and_result(watched: Watched) -> None:
    await watched.run('local kv = require("kv") kv.set("a", "b") kv.get("a")')
    assert watched.count("howk_script_module_calls_total", call="kv.set", result="ok") == 1
    assert watched.count("howk_script_module_calls_total", call="kv.get", result="unreachable") == 1
    assert [line["event"] for line in watched.lines()] == ["module call failed", "script run"]


async def test_a_host_that_a_script_ended_is_counted_with_the_reason(watched: Watched) -> None:
    await watched.run('string.find(string.rep("a",1000000), string.rep("a?",1000000).."b")')
    assert watched.count("howk_engine_hosts_ended_total", reason="script_runtime_error") == 1
    assert [line["event"] for line in watched.lines()] == ["engine host ended", "script run"]


async def test_no_payload_header_or_log_text_is_in_a_line_or_a_label(watched: Watched) -> None:
    await watched.run("print(payload, headers.Authorization) log.error(payload) error(payload)")
    series = [sample.labels for metric in watched.registry.collect() for sample in metric.samples]
    assert SECRET not in watched.stream.getvalue()
    assert SECRET not in str(series)
