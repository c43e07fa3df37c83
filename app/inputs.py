"""What a preview runs on besides the script: payload, headers, metadata; from a saved case, to and from a draft."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engine.case_file import Case
from engine.inputs import PREVIEW_CREATED_AT, PREVIEW_ENDPOINT, PREVIEW_WEBHOOK_ID, Metadata
from engine.model import Webhook
from widgets.metadata_form import MetadataState

DEFAULT_PAYLOAD = b'{\n  "hello": "world"\n}\n'
DEFAULT_HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Inputs:
    """One webhook to try a script on.

    Attributes:
        recordings: the file with the recorded answers to kv, http and crypto of the case that this came from; None
            when it came from none. The file need not exist.
    """

    payload: bytes = DEFAULT_PAYLOAD
    headers: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_HEADERS))
    metadata: MetadataState = field(default_factory=MetadataState)
    recordings: Path | None = None

    @classmethod
    def default(cls, config_id: str) -> Inputs:
        """What a script without a saved case starts with."""
        return cls(metadata=metadata_state(Metadata(config_id=config_id)))

    @classmethod
    def of_case(cls, case: Case, config_id: str) -> Inputs:
        """The input of a saved case; metadata it does not give is that of `default`.

        Raises:
            msgspec.ValidationError: a metadata field has the wrong type.
        """
        metadata = msgspec.convert({"config_id": config_id} | case.metadata, Metadata)
        return cls(case.payload, dict(case.headers), metadata_state(metadata))

    def as_case(self, config_id: str) -> Case:
        """The inverse of `of_case`; metadata that `default` gives anyway are left out, for the file to be read."""
        usual = msgspec.to_builtins(Metadata())
        fields = msgspec.to_builtins(metadata_fields(self.metadata)) | {
            "config_id": self.metadata.config_id or config_id
        }
        metadata = {name: value for name, value in fields.items() if value not in ("", usual[name])}
        return Case(self.payload, dict(self.headers), metadata)

    def webhook(self, config_id: str) -> Webhook:
        """The webhook that a worker would see."""
        state = self.metadata
        return Webhook(
            id=state.webhook_id or PREVIEW_WEBHOOK_ID,
            config_id=state.config_id or config_id,
            endpoint=state.endpoint or PREVIEW_ENDPOINT,
            payload=self.payload,
            headers=self.headers,
            attempt=state.attempt,
            max_attempts=state.max_attempts,
            created_at=state.created_at or PREVIEW_CREATED_AT,
        )

    def draft_meta(self) -> dict[str, str]:
        """Headers, metadata and recordings as a draft keeps them beside the payload."""
        meta = {"headers": _json(self.headers), "metadata": _json(metadata_fields(self.metadata))}
        return meta | ({"recordings": str(self.recordings)} if self.recordings else {})

    @classmethod
    def of_draft(cls, payload: bytes, meta: dict[str, str]) -> Inputs:
        """The inverse of `draft_meta`. Raises msgspec.MsgspecError when the draft is of another making."""
        headers = msgspec.json.decode(meta.get("headers", "{}"), type=dict[str, str])
        metadata = msgspec.json.decode(meta.get("metadata", "{}"), type=Metadata)
        recordings = meta.get("recordings")
        return cls(payload, headers, metadata_state(metadata), Path(recordings) if recordings else None)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def metadata_state(metadata: Metadata) -> MetadataState:
    """A metadata file's fields as the form shows them."""
    return MetadataState(
        config_id=metadata.config_id,
        webhook_id=metadata.webhook_id,
        attempt=metadata.attempt,
        max_attempts=metadata.max_attempts,
        created_at=metadata.created_at,
        endpoint=metadata.endpoint,
        previous_error=metadata.previous_error,
    )


def metadata_fields(state: MetadataState) -> Metadata:
    """What the form shows as a metadata file's fields."""
    return Metadata(
        webhook_id=state.webhook_id,
        config_id=state.config_id,
        attempt=state.attempt,
        max_attempts=state.max_attempts,
        created_at=state.created_at,
        endpoint=state.endpoint,
        previous_error=state.previous_error,
    )
