"""The HTTP API as one application: routes and middlewares put together, and served until told to stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from aiohttp import web
from structlog.typing import FilteringBoundLogger

from engine.api.health import HealthHandlers
from engine.api.metrics import ApiMetrics
from engine.api.problems import count_requests, demand_token, explain_errors
from engine.api.scripts import ScriptHandlers
from engine.api.webhooks import WebhookHandlers
from engine.errors import SettingsError
from engine.settings import ApiSettings

SHUTDOWN_SECONDS = 5.0

Handlers = ScriptHandlers | WebhookHandlers | HealthHandlers


def make_application(
    handlers: Sequence[Handlers], settings: ApiSettings, metrics: ApiMetrics, logger: FilteringBoundLogger
) -> web.Application:
    """The application; requests larger than the settings allow are refused before they are read."""
    middlewares = [count_requests(metrics), explain_errors(logger)]
    if settings.token:
        middlewares.append(demand_token(settings.token))
    application = web.Application(middlewares=middlewares, client_max_size=settings.max_request_size)
    for group in handlers:
        application.add_routes(group.routes())
    return application


class ApiServer:
    """Serves an application while it is entered.

    Attributes:
        address: where it listens, as `http://HOST:PORT`; known once it is entered.
    """

    def __init__(self, application: web.Application, settings: ApiSettings) -> None:
        self._settings = settings
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        self.address = ""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        host, port = self._settings.host, self._settings.port
        try:
            await web.TCPSite(self._runner, host or None, port).start()
        except OSError as problem:
            await self._runner.cleanup()
            why = f"cannot listen on {host or '*'}:{port}: {problem.strerror or problem}."
            raise SettingsError("api.port", why, "Choose another with HOWK_API_PORT.") from problem
        bound = self._runner.addresses[0]
        self.address = f"http://{host or 'localhost'}:{bound[1]}"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stops listening, lets requests in progress end, and closes their connections."""
        await self._runner.cleanup()
