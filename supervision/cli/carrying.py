"""What `callboard run` was told of transports: their URLs, and what signs what they carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from click.core import ParameterSource

from ...transports.masking import mask_url
from ...transports.signing import Secrets
from ...transports.transport import Transport
from ...transports.urls import BadUrl, address_of, transport_from_url
from ..config import ConfigError, read_secret, secrets_of
from .ending import say
from .exits import BAD_CONFIGURATION, USAGE, Refusal
from .settings import file_of, origin_of, settings_of

__all__ = ["URLS", "Carrying", "carrying_of"]

URLS = "CALLBOARD_BUS_URL"
"""The environment variable by which the processes of a company are given the URLs."""


@dataclass(frozen=True)
class Carrying:
    """The transports of a node, and how they are to be started."""

    urls: Sequence[str] = field(default=(), repr=False)
    channel: str | None = None
    connect_within: float | None = None
    """Seconds after which a transport that is not connected ends the start; None: it does not."""
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    secret_file: str | None = None
    config: Path | None = None
    exposed: bool = False
    """Whether the URLs stood on the command line."""

    @property
    def shown(self) -> list[str]:
        """The URLs, with whatever is secret in them masked."""
        return [mask_url(url) for url in self.urls]

    def made(self) -> list[Transport]:
        """Make the transports; they connect when their node starts.

        Raises:
            Refusal: a library is missing, or a transport refuses its settings.

        """
        made: list[Transport] = []
        for url in self.urls:
            try:
                made.append(transport_from_url(url, self.channel))
            except BadUrl as error:
                raise Refusal(str(error), BAD_CONFIGURATION) from error
            except ImportError as error:
                raise Refusal(f"{mask_url(url)}: {error}", USAGE) from error
        return made

    def warn(self) -> None:
        """Say so if a secret stands where every user of the machine can read it."""
        for url in self.urls if self.exposed else ():
            if mask_url(url) != url:
                say(
                    f"warning: {mask_url(url)} holds a secret that all users of this machine can "
                    f"read in the list of processes: give it by {URLS}, {URLS}_FILE or a file"
                )

    @property
    def arguments(self) -> list[str]:
        """The arguments by which a process of a company learns of it; none holds a secret."""
        arguments = [f"--config={self.config}"] if self.config is not None else []
        if self.channel is not None:
            arguments.append(f"--namespace={self.channel}")
        if self.secret_file is not None:
            arguments.append(f"--secret-file={self.secret_file}")
        return arguments

    @property
    def environment(self) -> dict[str, str | None]:
        """The variables by which it learns of the URLs; None: to be taken out."""
        if not self.urls:
            return {}
        others = [f"{URLS}_FILE", f"{URLS}S", f"{URLS}S_FILE"]
        return {URLS: "\n".join(self.urls)} | dict.fromkeys(others)

    def refuse_for_several(self) -> None:
        """Refuse what only one process can do: to listen.

        Raises:
            Refusal: one of the transports is a hub.

        """
        for url in self.urls:
            if address_of(url).scheme.endswith("+listen"):
                raise Refusal(
                    f"{mask_url(url)} listens, and of several processes only one can: run the hub "
                    "as a node of its own, and give the processes its ws:// address",
                    BAD_CONFIGURATION,
                )


def carrying_of(ctx: click.Context) -> Carrying:
    """Return what was said of transports, from wherever it was said.

    Raises:
        Refusal: the secrets cannot be read.

    """
    file = file_of(ctx)
    settings = settings_of(ctx.command)
    path: str | None = ctx.params["secret_file"]
    secrets: Mapping[str, str] = file.secrets if file is not None else {}
    try:
        if path is not None:
            origin = origin_of(ctx, settings["secret-file"])
            if file is not None and secrets and origin == file.label:
                raise ConfigError(file.label, "'secrets' and 'secret-file' are both there")
            where = "--secret-file" if origin == "command line" else origin
            secrets = secrets_of(read_secret(Path(path), where), path)
        if secrets:
            _check(secrets, path or (file.label if file is not None else ""))
    except ConfigError as error:
        raise Refusal(str(error), BAD_CONFIGURATION) from error
    connect_within: float | None = ctx.params["connect_within"]
    told = ctx.get_parameter_source("connect_within") is ParameterSource.COMMANDLINE
    if connect_within is not None and not ctx.params["transports"]:
        raise Refusal(
            f"connect-within ({origin_of(ctx, settings['connect-within'])}): there is no transport "
            f"to connect: give one by --transport or {URLS}",
            USAGE if told else BAD_CONFIGURATION,
        )
    if ctx.params.get("lifeline") is not None and not told:
        connect_within = None  # a process of a company insists when its parent says so
    return Carrying(
        urls=ctx.params["transports"],
        channel=ctx.params["namespace"],
        connect_within=connect_within,
        secrets=secrets,
        secret_file=path,
        config=file.path if file is not None else None,
        exposed=ctx.get_parameter_source("transports") is ParameterSource.COMMANDLINE,
    )


def _check(secrets: Mapping[str, str], where: str) -> None:
    try:
        Secrets(secrets)
    except ValueError as error:
        raise ConfigError(where, str(error)) from error
