"""The engine in numbers for Prometheus: runs, outcomes, CPU time, memory, module calls, hosts that ended.

Labels are few and bounded: outcomes and module functions, never a config_id, which may number thousands.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from engine.observe import RunEvent

CPU_BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
MEMORY_BUCKETS = tuple(float(1 << shift) for shift in range(13, 28, 2))  # 8 KiB to 128 MiB
CALL_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class EngineMetrics:
    """An observer that counts.

    Args:
        registry: where the series are; each process has its own.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._runs = Counter("howk_script_runs", "Script runs by outcome.", ["outcome"], registry=registry)
        self._cpu = Histogram(
            "howk_script_cpu_seconds", "CPU time of a run.", buckets=CPU_BUCKETS, registry=registry
        )
        self._memory = Histogram(
            "howk_script_memory_peak_bytes",
            "Most memory of a run.",
            buckets=MEMORY_BUCKETS,
            registry=registry,
        )
        self._calls = Counter(
            "howk_script_module_calls",
            "Module calls by function and result.",
            ["call", "result"],
            registry=registry,
        )
        self._call_seconds = Histogram(
            "howk_script_module_call_seconds",
            "Time of a module call.",
            ["call"],
            buckets=CALL_BUCKETS,
            registry=registry,
        )
        self._hosts = Counter(
            "howk_engine_hosts_ended", "Engine hosts that ended during a run.", ["reason"], registry=registry
        )

    def run_ended(self, event: RunEvent) -> None:
        """Counts a run."""
        self._runs.labels(event.outcome).inc()
        self._cpu.observe(event.cpu_seconds)
        self._memory.observe(event.memory_peak_bytes)

    def module_called(self, call: str, result: str, seconds: float) -> None:
        """Counts a module call."""
        self._calls.labels(call, result).inc()
        self._call_seconds.labels(call).observe(seconds)

    def host_ended(self, reason: str) -> None:
        """Counts a host that ended."""
        self._hosts.labels(reason).inc()
