"""Takes credentials out of a webhook's headers before it is kept as a dead letter."""

from __future__ import annotations

import msgspec

from engine.model import Webhook
from engine.settings import DeadLetterSettings

REDACTED = "[REDACTED]"


def redacted(webhook: Webhook, settings: DeadLetterSettings) -> Webhook:
    """The webhook with the values of credential headers replaced; names, order and everything else stay."""
    if settings.disable_redaction:
        return webhook
    names = {name.lower() for name in settings.redact_headers}
    headers = {name: REDACTED if name.lower() in names else value for name, value in webhook.headers.items()}
    return msgspec.structs.replace(webhook, headers=headers)
