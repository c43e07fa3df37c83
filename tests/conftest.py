"""What every test can rely on: a home of its own, no display, and failing when it leaves a mess behind.

A test fails when a thread or child process that it started is still there after it, and when something logs
at WARNING or above, unless it says so:

    @pytest.mark.allow_logs("consumer lag")  # what matches one of the patterns; without one, any record

Works where Qt is not installed.
"""

import logging
import os
import re
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

GRACE_S = 2.0
"""How long threads and processes that were told to stop may take."""

HOME_VARIABLES = {
    "HOME": "",
    "USERPROFILE": "",
    "APPDATA": "AppData/Roaming",
    "LOCALAPPDATA": "AppData/Local",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "XDG_CACHE_HOME": ".cache",
    "XDG_RUNTIME_DIR": ".run",
}

# The first two are kept by multiprocessing for the life of the interpreter; the broker of tests/cluster outlives a
# test that started it again.
LASTING_PROCESSES = ("multiprocessing.resource_tracker", "multiprocessing.forkserver", " kafka.Kafka ")

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    if not pluginmanager.has_plugin("pytest-qt"):
        for name in ("qt_api", "qt_log_level_fail", "qt_log_ignore"):
            parser.addini(name, "read by pytest-qt, which is not here")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "allow_logs(*patterns): warnings and errors that this test may log")
    _record_where_threads_start()


# --- a home of its own


@pytest.fixture(scope="session", autouse=True)
def _home_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For fixtures that live longer than a test."""
    with pytest.MonkeyPatch.context() as patch:
        _move_into(tmp_path_factory.mktemp("session-home"), patch)
        yield


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home directory of this test: empty, and no HOWK_* variable set."""
    path = tmp_path_factory.mktemp("home")
    _move_into(path, monkeypatch)
    return path


def _move_into(home: Path, patch: pytest.MonkeyPatch) -> None:
    for name, place in HOME_VARIABLES.items():
        patch.setenv(name, str(home / place))
    (home / HOME_VARIABLES["XDG_RUNTIME_DIR"]).mkdir(mode=0o700)
    for name in [name for name in os.environ if name.startswith("HOWK_")]:
        patch.delenv(name)


# --- nothing left running


@pytest.fixture(autouse=True)
def _nothing_left_running(home: Path) -> Iterator[None]:
    """Checked after the test's other fixtures are torn down; what wider fixtures started is not its fault."""
    threads_before = set(threading.enumerate())
    processes_before = _child_processes()
    yield
    deadline = time.monotonic() + GRACE_S
    while True:
        threads = [
            thread for thread in threading.enumerate() if thread not in threads_before and _is_ours(thread)
        ]
        processes = {
            pid: command for pid, command in _child_processes().items() if pid not in processes_before
        }
        if not (threads or processes):
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    left = [_describe(thread) for thread in threads]
    left += [f"process {pid} is still running: {command}" for pid, command in processes.items()]
    pytest.fail("\n".join(left), pytrace=False)


def _record_where_threads_start() -> None:
    start = threading.Thread.start

    def recorded_start(thread: threading.Thread) -> None:
        thread._started_at = traceback.StackSummary.extract(  # type: ignore[attr-defined]
            traceback.walk_stack(None), limit=12, lookup_lines=False
        )
        start(thread)

    threading.Thread.start = recorded_start  # type: ignore[method-assign, assignment]


def _is_ours(thread: threading.Thread) -> bool:
    # A dummy stands for a foreign thread (Qt's, a library's) that once ran Python code, and outlives it.
    return not isinstance(thread, threading._DummyThread)


def _describe(thread: threading.Thread) -> str:
    stack = getattr(thread, "_started_at", [])
    places = [frame for frame in stack if frame.filename not in (__file__, threading.__file__)]
    where = "\n".join(f"    {frame.filename}:{frame.lineno} in {frame.name}" for frame in places[:5])
    return f"thread {thread.name!r} is still running; it was started at\n{where or '    (unknown)'}"


def _child_processes() -> dict[int, str]:
    """Pid and command line of this process's living children; empty where there is no /proc."""
    found = {}
    for listing in Path("/proc/self/task").glob("*/children"):
        try:
            pids = listing.read_text().split()
        except OSError:  # the thread has ended
            continue
        for pid in pids:
            command = _command_of(Path("/proc", pid))
            if command and not any(name in command for name in LASTING_PROCESSES):
                found[int(pid)] = command
    return found


def _command_of(process: Path) -> str:
    """Empty for one that has ended, reaped or not."""
    try:
        name, _, state = process.joinpath("stat").read_text().rpartition(")")
        command = (
            process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        )
    except OSError:
        return ""
    if state.split()[0] in "ZX":
        return ""
    return command or name  # the command line is empty for a moment while a program is loaded


# --- no unexpected warnings


class _Warnings(logging.Handler):
    """Keeps what is logged at WARNING or above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # Not after the fact: its arguments may change.
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def _no_unexpected_logs(request: pytest.FixtureRequest, _nothing_left_running: None) -> Iterator[None]:
    handler = _Warnings()
    root = logging.getLogger()
    root.addHandler(handler)
    yield
    root.removeHandler(handler)
    unexpected = [line for line in handler.lines if not _is_allowed(line, request.node)]
    if unexpected:
        pytest.fail("\n".join(["unexpected log records:", *unexpected]), pytrace=False)


def _is_allowed(line: str, test: pytest.Item) -> bool:
    markers = list(test.iter_markers("allow_logs"))
    return any(not marker.args or any(re.search(arg, line) for arg in marker.args) for marker in markers)
