"""The profiles of the user: read in the background, made, tested and deleted in their dialog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.background import Background
from app.dialogs import ask_path
from app.messages import Messages
from app.theming import Theming
from widgets.check_list import Check, CheckState
from widgets.profile_state import ProfileState
from widgets.profiles_dialog import ProfilesDialog

if TYPE_CHECKING:  # its clients take long to load
    from engine.cluster.open_profile import PartTest
    from engine.cluster.profile_secrets import SecretStore
    from engine.cluster.profiles import Profile, ProfileStore


class ProfilesController(QObject):
    """Between the profiles on disk, their secrets, and the dialog.

    Args:
        path: where the profiles are; None for the user's own.

    Attributes:
        profiles: as they were read last, without secrets.
        dialog: the one that is open.

    Signals:
        changed(): the profiles.
    """

    changed = Signal()

    def __init__(
        self,
        parent: QWidget,
        background: Background,
        messages: Messages,
        theming: Theming,
        path: Path | None = None,
    ) -> None:
        super().__init__(parent)
        self._parent, self._background = parent, background
        self._messages, self._theming, self._path = messages, theming, path
        self.profiles: tuple[Profile, ...] = ()
        self.dialog: ProfilesDialog | None = None
        self._secrets: SecretStore | None = None

    def load(self) -> None:
        """Reads the profiles."""
        self._background.start(self._read(), done=self._loaded, failed=self._messages.error)

    def with_secrets(self, profile: Profile, use: Callable[[Profile], None]) -> None:
        """Hands a profile with its secrets to `use`."""

        async def complete() -> Profile:
            from engine.cluster.profiles import with_secrets  # noqa: PLC0415

            return with_secrets(profile, await self._store_of_secrets().read(profile.name))

        self._background.start(complete(), done=use, failed=self._messages.error)

    def manage(self) -> None:
        """Opens the dialog."""
        if self.dialog is not None:
            self.dialog.raise_()
            return
        dialog = self.dialog = ProfilesDialog(self._parent)
        dialog.apply_theme(self._theming.theme)
        dialog.save_requested.connect(self._save)
        dialog.delete_requested.connect(self._delete)
        dialog.test_requested.connect(self._test)
        dialog.browse_requested.connect(self._browse)
        dialog.finished.connect(self._closed)
        dialog.open()
        self._show_profiles("")
        self._background.start(self._store_of_secrets().place(), done=self._show_place, failed=self._fail)

    # --- in the background

    async def _read(self) -> tuple[Profile, ...]:
        return self._store().all()

    def _store(self) -> ProfileStore:
        from engine.cluster.profiles import ProfileStore  # noqa: PLC0415

        return ProfileStore(self._path) if self._path else ProfileStore.of_user()

    def _store_of_secrets(self) -> SecretStore:
        from engine.cluster.profile_secrets import SecretStore  # noqa: PLC0415

        if self._secrets is None:
            self._secrets = SecretStore()
        return self._secrets

    async def _keep(self, old_name: str, state: ProfileState) -> tuple[Profile, ...]:
        from engine.cluster.profiles import secrets_of  # noqa: PLC0415

        known = next((one for one in self._store().all() if one.name == old_name), None)
        profile, secrets = profile_of(state, known), self._store_of_secrets()
        self._store().put(profile, old_name)
        await secrets.write(profile.name, secrets_of(profile))
        if old_name and old_name != profile.name:
            await secrets.delete(old_name)
        return self._store().all()

    async def _forget(self, name: str) -> tuple[Profile, ...]:
        self._store().delete(name)
        await self._store_of_secrets().delete(name)
        return self._store().all()

    async def _try(self, state: ProfileState) -> tuple[PartTest, ...]:
        from engine.cluster.open_profile import open_profile  # noqa: PLC0415

        async with open_profile(profile_of(state)) as cluster:
            return await cluster.test()

    async def _states(self) -> tuple[ProfileState, ...]:
        from engine.cluster.profiles import with_secrets  # noqa: PLC0415

        secrets = self._store_of_secrets()
        return tuple(
            [state_of(with_secrets(profile, await secrets.kept(profile.name))) for profile in self.profiles]
        )

    # --- the dialog

    def _loaded(self, profiles: tuple[Profile, ...]) -> None:
        self.profiles = profiles
        self.changed.emit()

    def _show_profiles(self, current: str) -> None:
        def show(states: tuple[ProfileState, ...]) -> None:
            if self.dialog is not None:
                self.dialog.set_profiles(states, current)

        self._background.start(self._states(), done=show, failed=self._fail)

    def _show_place(self, place: str) -> None:
        if self.dialog is not None:
            self.dialog.set_secrets_note(place)

    def _save(self, old_name: str, state: ProfileState) -> None:
        def kept(profiles: tuple[Profile, ...]) -> None:
            self._loaded(profiles)
            self._show_profiles(state.name)

        self._background.start(self._keep(old_name, state), done=kept, failed=self._fail)

    def _delete(self, name: str) -> None:
        def gone(profiles: tuple[Profile, ...]) -> None:
            self._loaded(profiles)
            self._show_profiles("")

        self._background.start(self._forget(name), done=gone, failed=self._fail)

    def _test(self, state: ProfileState) -> None:
        def tried(parts: tuple[PartTest, ...]) -> None:
            if self.dialog is not None:
                rows = [
                    Check(
                        part.part,
                        CheckState.PASSED if part.ok else CheckState.FAILED,
                        f"{part.part}: {part.words}",
                    )
                    for part in parts
                ]
                self.dialog.show_test(tuple(rows))

        if self.dialog is not None:
            self.dialog.show_testing()
        self._background.start(self._try(state), done=tried, failed=self._fail)

    def _browse(self, field: str) -> None:
        dialog = self.dialog
        if dialog is not None:
            ask_path(
                dialog, "Choose a PEM file", Path.home(),
                lambda path: dialog.form.set_path(field, str(path)), folder=False,
            )  # fmt: skip

    def _fail(self, problem: Exception) -> None:
        if self.dialog is not None:
            self.dialog.show_failure(str(problem))
        else:
            self._messages.error(problem)

    def _closed(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = None


def profile_of(state: ProfileState, known: Profile | None = None) -> Profile:
    """What the form shows as a profile, secrets included; what the form does not show is as it was `known`."""
    from engine.cluster.profiles import Profile, ProfileRules  # noqa: PLC0415
    from engine.settings import Secret, SecurityProtocol  # noqa: PLC0415

    base = known or Profile(state.name)
    replace = msgspec.structs.replace
    return replace(
        base,
        name=state.name,
        colour=state.colour,
        kafka=replace(
            base.kafka,
            brokers=state.kafka_brokers,
            security_protocol=SecurityProtocol(state.security_protocol),
            sasl_mechanism=state.sasl_mechanism,
            sasl_username=state.sasl_username,
            sasl_password=Secret(state.sasl_password),
            tls_ca_file=state.tls_ca_file,
            tls_cert_file=state.tls_cert_file,
            tls_key_file=state.tls_key_file,
            tls_verify=state.tls_verify,
        ),
        redis=replace(
            base.redis,
            addr=state.redis_addr,
            username=state.redis_username,
            password=Secret(state.redis_password),
            db=state.redis_db,
            tls=state.redis_tls,
            tls_ca_file=state.redis_tls_ca_file,
            tls_verify=state.redis_tls_verify,
            sentinel_addrs=state.sentinel_addrs,
            sentinel_master_name=state.sentinel_master_name,
            sentinel_password=Secret(state.sentinel_password),
        ),
        through_api=state.through_api,
        api_url=state.api_url,
        api_token=Secret(state.api_token),
        rules=ProfileRules(state.read_only, state.production, state.approver_not_author),
    )


def state_of(profile: Profile) -> ProfileState:
    """A profile as the form shows it."""
    kafka, redis, rules = profile.kafka, profile.redis, profile.rules
    return ProfileState(
        name=profile.name,
        colour=profile.colour,
        through_api=profile.through_api,
        kafka_brokers=kafka.brokers,
        security_protocol=kafka.security_protocol.value,
        sasl_mechanism=kafka.sasl_mechanism,
        sasl_username=kafka.sasl_username,
        sasl_password=kafka.sasl_password.reveal(),
        tls_ca_file=kafka.tls_ca_file,
        tls_cert_file=kafka.tls_cert_file,
        tls_key_file=kafka.tls_key_file,
        tls_verify=kafka.tls_verify,
        redis_addr=redis.addr,
        redis_db=redis.db,
        redis_username=redis.username,
        redis_password=redis.password.reveal(),
        redis_tls=redis.tls,
        redis_tls_ca_file=redis.tls_ca_file,
        redis_tls_verify=redis.tls_verify,
        sentinel_addrs=redis.sentinel_addrs,
        sentinel_master_name=redis.sentinel_master_name,
        sentinel_password=redis.sentinel_password.reveal(),
        api_url=profile.api_url,
        api_token=profile.api_token.reveal(),
        read_only=rules.read_only,
        production=rules.production,
        approver_not_author=rules.approver_not_author,
    )
