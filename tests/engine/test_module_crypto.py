"""crypto: vectors made with the openssl command, every failure, and that keys stay out of sight."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from pathlib import Path
from typing import Any

import pytest

from engine.modules.calls import Failure, ModuleReply
from engine.modules.crypto import CANNOT_DECRYPT, CryptoModule
from engine.modules.crypto_keys import CryptoKeys
from engine.settings import Secret, load_settings
from tests.engine.credentials import Vectors, openssl


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Vectors:
    return Vectors(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def crypto(vectors: Vectors) -> CryptoModule:
    return CryptoModule(CryptoKeys({"MAIN": Secret(vectors.pkcs8.read_text())}, {"file": str(vectors.pkcs1)}))


async def decrypted(crypto: CryptoModule, *arguments: Any) -> ModuleReply:
    return await crypto.decrypt_credential(arguments, "a")


# --- it opens


@pytest.mark.parametrize("plain", [b"", b'{"token":"t"}', bytes(range(256)) * 4096])
@pytest.mark.parametrize("name", [b"MAIN", b"main", b"file"])
async def test_a_credential_is_opened(
    crypto: CryptoModule, vectors: Vectors, name: bytes, plain: bytes
) -> None:
    assert await decrypted(crypto, name, *vectors.encrypted(plain)) == ModuleReply(plain)


async def test_both_formats_from_the_environment_and_files(vectors: Vectors) -> None:
    credential = vectors.encrypted(b"secret")
    for path in (vectors.pkcs1, vectors.pkcs8):
        text = path.read_text()
        for pem in (text, text.replace("\n", "\\n"), text.replace("\n", "\r\n")):
            settings = load_settings({"HOWK_LUA_CRYPTO_MY_KEY": pem}).lua
            assert (
                await decrypted(CryptoModule(CryptoKeys.of(settings)), b"my-key", *credential)
            ).value == b"secret"
        keys = CryptoKeys({}, {"my-key": str(path)})
        assert (await decrypted(CryptoModule(keys), b"my-key", *credential)).value == b"secret"


async def test_base64_in_lines_is_read(crypto: CryptoModule, vectors: Vectors) -> None:
    wrapped, data = vectors.encrypted(b"x" * 200)
    lines = openssl("base64", stdin=base64.b64decode(data))
    assert b"\n" in lines[:-1]
    assert (await decrypted(crypto, b"MAIN", wrapped, lines)).value == b"x" * 200


async def test_a_file_that_changes_is_read_again(tmp_path: Path, vectors: Vectors) -> None:
    path = tmp_path / "key.pem"
    crypto, credential = CryptoModule(CryptoKeys({}, {"k": str(path)})), vectors.encrypted(b"secret")
    assert (await decrypted(crypto, b"k", *credential)).failure is Failure.MISSING_KEY
    path.write_bytes(vectors.pkcs8.read_bytes())
    assert (await decrypted(crypto, b"k", *credential)).value == b"secret"
    path.write_bytes(openssl("genrsa", "2048"))
    assert (await decrypted(crypto, b"k", *credential)).problem == CANNOT_DECRYPT
    path.unlink()
    assert (await decrypted(crypto, b"k", *credential)).failure is Failure.MISSING_KEY


async def test_the_loop_is_not_held_up(crypto: CryptoModule, vectors: Vectors) -> None:
    credential = vectors.encrypted(b"secret")
    work = asyncio.gather(*(decrypted(crypto, b"MAIN", *credential) for _ in range(50)))
    longest, last = 0.0, time.monotonic()
    while not work.done():
        await asyncio.sleep(0)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    assert {reply.value for reply in await work} == {b"secret"}
    assert longest < 0.25


# --- it does not open


async def test_a_missing_key_is_named(crypto: CryptoModule, vectors: Vectors) -> None:
    reply = await decrypted(crypto, b"other", *vectors.encrypted(b""))
    assert reply == ModuleReply(None, "crypto key 'other' is not configured", Failure.MISSING_KEY)


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "no key at all",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "public",
        "ec",
        "encrypted",
    ],
)
async def test_a_key_that_cannot_be_used_is_missing_and_not_quoted(
    tmp_path: Path, vectors: Vectors, pem: str
) -> None:
    special = {
        "public": vectors.public.read_bytes,
        "ec": lambda: openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        "encrypted": lambda: openssl("pkey", "-in", str(vectors.pkcs8), "-aes256", "-passout", "pass:x"),
    }
    content = special[pem]() if pem in special else pem.encode()
    path = tmp_path / "hidden-name.pem"
    path.write_bytes(content)
    for keys in (CryptoKeys({}, {"k": str(path)}), CryptoKeys({"K": Secret(content.decode())}, {})):
        reply = await decrypted(CryptoModule(keys), b"k", *vectors.encrypted(b""))
        assert reply.failure is Failure.MISSING_KEY
        assert reply.problem.startswith("crypto key 'k' is ")
        assert "hidden-name" not in reply.problem
        assert "AAAA" not in reply.problem


async def test_a_file_that_cannot_be_read_is_missing_and_its_path_untold(
    tmp_path: Path, vectors: Vectors
) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"x" * 100_000)
    for path in (tmp_path / "absent", tmp_path, large):
        reply = await decrypted(CryptoModule(CryptoKeys({}, {"k": str(path)})), b"k", *vectors.encrypted(b""))
        assert reply.failure is Failure.MISSING_KEY
        assert str(tmp_path) not in reply.problem


async def test_whatever_is_wrong_inside_the_answer_is_the_same(
    crypto: CryptoModule, vectors: Vectors
) -> None:
    wrapped, data = vectors.encrypted(b"secret")
    raw_key, raw = base64.b64decode(wrapped), base64.b64decode(data)
    wrong = [
        (base64.b64encode(raw_key[:-1] + bytes([raw_key[-1] ^ 1])), data),
        (base64.b64encode(raw_key[:-1]), data),
        (b"", data),
        (base64.b64encode(b"\xff" * 256), data),
        (vectors.wrap(os.urandom(32)), data),
        (vectors.wrap(os.urandom(32), "sha1"), data),
        vectors.encrypted(b"secret", 16),
        (vectors.wrap(os.urandom(31)), data),
        *(
            (wrapped, base64.b64encode(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]))
            for at in range(len(raw))
        ),
        (wrapped, base64.b64encode(raw[:-1])),
    ]
    replies = {(await decrypted(crypto, b"MAIN", *pair)).problem for pair in wrong}
    assert replies == {CANNOT_DECRYPT}


@pytest.mark.parametrize(
    ("position", "value", "problem"),
    [
        (0, b"", "key_name must be"),
        (0, b"a\nb", "key_name must be"),
        (0, b"\xff", "key_name must be"),
        (0, b"k" * 200, "key_name must be"),
        (0, None, "key_name is missing"),
        (0, 5, "key_name must be a string"),
        (1, b"not base64!", "symmetric_key_b64 is not base64"),
        (1, b"YQ", "symmetric_key_b64 is not base64"),
        (1, None, "symmetric_key_b64 is missing"),
        (2, b"\xff\xfe", "encrypted_data_b64 is not base64"),
        (2, b"YWJj", "encrypted_data_b64 is too short"),
        (2, {}, "encrypted_data_b64 must be a string"),
        (2, b"A" * (5 << 20), "encrypted_data_b64 is longer than"),
    ],
)
async def test_a_wrong_argument_is_named(
    crypto: CryptoModule, position: int, value: Any, problem: str
) -> None:
    arguments: list[Any] = [b"MAIN", b"YWJj", b"A" * 64]
    arguments[position] = value
    reply = await decrypted(crypto, *arguments)
    assert problem in reply.problem
    assert reply.failure is Failure.NONE


def test_keys_are_not_shown(vectors: Vectors) -> None:
    pem = vectors.pkcs1.read_text()
    keys = CryptoKeys({"MAIN": Secret(pem)}, {"other": "/secret/place"})
    keys.private_key("main")
    assert repr(keys) == "CryptoKeys(<2 keys>)"
    for shown in (repr(CryptoModule(keys)), str(vars(keys))):
        assert pem.splitlines()[3] not in shown


async def test_spellings_of_a_name_do_not_pile_up(vectors: Vectors) -> None:
    keys = CryptoKeys({"A_B": Secret(vectors.pkcs1.read_text())}, {})
    assert len({id(keys.private_key(f"a{mark}b")) for mark in "-.:/ "}) == 1
    assert len(keys._loaded) == 1
