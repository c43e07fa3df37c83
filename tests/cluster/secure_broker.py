"""A real Kafka broker that asks who you are, by a password or a certificate, and keeps topics from some."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from tests.cluster.kafka_broker import KafkaBroker
from tests.engine.cluster.tls import Certificates

USER, PASSWORD = "howk", "hunter2"

SETTINGS = """
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},{more}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},{more}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,SASLTLS:SASL_SSL,TLS:SSL,MUTUAL:SSL
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config={jaas}
listener.name.sasltls.plain.sasl.jaas.config={jaas}
listener.name.mutual.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
"""


class SecureBroker(KafkaBroker):
    """Everybody may do everything at `address`.

    Args:
        folder: empty.
        certificates: by whom its own is signed; clients are trusted by the same.

    Attributes:
        sasl, sasl_tls: where the user `USER` is known by `PASSWORD`.
        tls: where nobody is asked.
        mutual_tls: where a client must show a certificate.
    """

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        super().__init__(folder)
        listeners = {name: f"127.0.0.1:{_free_port()}" for name in ("SASL", "SASLTLS", "TLS", "MUTUAL")}
        self.sasl, self.sasl_tls, self.tls, self.mutual_tls = listeners.values()
        certificate, key = certificates.signed()
        keystore = folder / "keystore.pem"
        keystore.write_text(key.read_text() + certificate.read_text())
        module = "org.apache.kafka.common.security.plain.PlainLoginModule"
        more = SETTINGS.format(
            port=self.port,
            controller=self._controller,
            more=",".join(f"{name}://{address}" for name, address in listeners.items()),
            jaas=f"{module} required user_{USER}={json.dumps(PASSWORD)};",
            keystore=keystore,
            authority=certificates.authority,
        )
        with self._settings.open("a") as settings:
            settings.write(more)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
