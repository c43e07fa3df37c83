"""A real Apache Kafka broker for tests: one node on the loopback, in a folder of its own, with little memory.

It creates no topic by itself, unlike Kafka's default: in a HOWK cluster `howk.scripts` must be compacted and kept for
ever, and one that appeared by accident would forget its scripts after a week. So a test that forgets to create a topic
fails. `create_topic` makes one with one partition unless told otherwise. The session timeout of brokers is short, since
one that was killed may not come back before the old one's session is over.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60.0
"""How long a start, a stop or a new topic may take on a busy machine; a start takes 2 s."""

FAST_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m")
LOG_TAIL = 3000

SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
num.partitions=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=400
"""


class KafkaBroker:
    """A broker that can be stopped, killed, and started again at the same address with what it held.

    Args:
        folder: empty; takes its settings, its data and its log.
        settings: more of server.properties, such as a listener's security.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port, self._controller = _free_ports()
        self._log = folder / "broker.log"
        self._settings = folder / "server.properties"
        own = SETTINGS.format(port=self.port, controller=self._controller, folder=folder)
        more = "".join(f"{name.replace('_', '.')}={value}\n" for name, value in settings.items())
        self._settings.write_text(own + more)
        self._process: subprocess.Popen[bytes] | None = None
        # One that begins with a dash would be taken for an option.
        cluster_id = urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        format_storage = ("kafka.tools.StorageTool", "format", "--cluster-id", cluster_id, "--config")
        with self._log.open("ab") as log:
            code = subprocess.run(
                [*_java(), *format_storage, self._settings],
                stdout=log,
                stderr=log,
                timeout=SECONDS,
                check=False,
            ).returncode
        if code:
            self._fail(f"its storage could not be formatted (exit code {code})")

    @property
    def address(self) -> str:
        """HOST:PORT, the same for its whole life."""
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_java(), "kafka.Kafka", self._settings], stdout=log, stderr=log
            )
        deadline = time.monotonic() + SECONDS
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._fail(f"it did not start (exit code {self._process.poll()})")
            time.sleep(0.02)
        AdminClient({"bootstrap.servers": self.address}).list_topics(timeout=SECONDS)

    def stop(self) -> None:
        """Ends it as an operator does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it as a machine that fails does."""
        self._end(signal.SIGKILL)

    def hang(self) -> None:
        """Connections are still taken, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Ends `hang`."""
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stops it and starts it again."""
        self.stop()
        self.start()

    def create_topic(self, name: str, partitions: int = 1, **config: str) -> None:
        """Creates a topic; `config` is its settings with `_` for `.` (`cleanup_policy="compact"`)."""
        topic = NewTopic(
            name, partitions, 1, config={key.replace("_", "."): value for key, value in config.items()}
        )
        admin = AdminClient({"bootstrap.servers": self.address})
        admin.create_topics([topic])[name].result(SECONDS)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(SECONDS)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _fail(self, why: str) -> None:
        self.kill()
        said = self._log.read_text("utf-8", "replace")[-LOG_TAIL:]
        pytest.fail(f"the Kafka broker: {why}\n{said}", pytrace=False)


def _java() -> tuple[str, ...]:
    """Runs a class of the broker's jars."""
    java = shutil.which("java")
    if java is None:
        pytest.fail("no java: run .ci/system-packages kafka, or install a Java 17", pytrace=False)
    found = subprocess.run([ROOT / ".ci" / "kafka-broker"], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.fail(f"no Kafka broker: {found.stderr}", pytrace=False)
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return (java, *FAST_START, quiet, "-cp", f"{found.stdout.strip()}/*")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return int(first.getsockname()[1]), int(second.getsockname()[1])
