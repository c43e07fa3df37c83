"""The tests' own watchmen: a test that leaves a mess or logs a warning fails, with the reason."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")


def run_pytest(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    folder.joinpath("conftest.py").write_text(CONFTEST.read_text().replace("GRACE_S = 2.0", "GRACE_S = 0.5"))
    folder.joinpath("test_it.py").write_text(test)
    plain = [
        "-p",
        "no:cacheprovider",
        "-p",
        "no:pytest-qt",
        "-p",
        "no:asyncio",
        "-c",
        "/dev/null",
        "--rootdir",
        ".",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plain, "--strict-markers", "-q", "test_it.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        pytest.param(
            "import threading\n"
            "def test_it():\n"
            "    threading.Thread(target=threading.Event().wait, name='sleeper', daemon=True).start()\n",
            "thread 'sleeper' is still running",
            id="leaked thread",
        ),
        pytest.param(
            "import subprocess\n"
            "child = []\n"
            "def test_it():\n"
            "    child.append(subprocess.Popen(['sleep', '20']))\n"
            "def test_after():\n"
            "    child[0].kill(); child[0].wait()\n",
            "is still running: sleep 20",
            id="leaked process",
            marks=pytest.mark.skipif(
                not Path("/proc/self/task").is_dir(), reason="children are read from /proc"
            ),
        ),
        pytest.param(
            "import logging\ndef test_it():\n    logging.getLogger('room').error('no %s', 'keys')\n",
            "ERROR room: no keys",
            id="logged error",
        ),
    ],
)
def test_a_mess_fails_the_test_that_made_it(tmp_path: Path, test: str, reason: str) -> None:
    result = run_pytest(tmp_path, test)
    assert result.returncode == 1, result.stdout
    assert "ERROR at teardown of test_it" in result.stdout
    assert reason in result.stdout
    assert "test_it.py" in result.stdout


def test_a_leaked_thread_is_reported_with_the_line_that_started_it(tmp_path: Path) -> None:
    result = run_pytest(
        tmp_path,
        "import threading\n"
        "def begin():\n"
        "    threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "def test_it():\n"
        "    begin()\n",
    )
    assert "test_it.py:3 in begin" in result.stdout


def test_a_thread_that_ends_and_an_allowed_warning_pass(tmp_path: Path) -> None:
    result = run_pytest(
        tmp_path,
        "import logging, threading, time, pytest\n"
        "@pytest.mark.allow_logs('lag')\n"
        "def test_it():\n"
        "    threading.Thread(target=time.sleep, args=(0.2,)).start()\n"
        "    logging.getLogger('room').warning('lag of %s s', 3)\n",
    )
    assert result.returncode == 0, result.stdout


def test_each_test_has_an_empty_home_and_no_settings_of_the_person_who_runs_it(tmp_path: Path) -> None:
    test = (
        "import os, pathlib\n"
        "os.environ['HOWK_KAFKA_BROKERS'] = 'production:9092'\n"
        "def test_it(home):\n"
        "    assert pathlib.Path.home() == home\n"
        "    assert 'HOWK_KAFKA_BROKERS' not in os.environ\n"
        "    (home / 'left').touch()\n"
        "def test_next(home):\n"
        "    assert not (home / 'left').exists()\n"
    )
    result = run_pytest(tmp_path, test)
    assert result.returncode == 0, result.stdout
