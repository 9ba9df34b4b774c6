"""Puts into a database what the transport needs of it; what is there already is left alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.resources import files

from .connections import FromUrl, Session
from .errors import PgmqError

__all__ = ["install", "install_leases"]

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('callboard install', 0))"

FOUND = """
SELECT (SELECT extversion FROM pg_extension WHERE extname = 'pgmq'),
    to_regnamespace('pgmq') IS NOT NULL, to_regproc('pgmq.create') IS NOT NULL
"""

ISOLATED = (
    "USAGE ON SCHEMA callboard",
    "EXECUTE ON FUNCTION "
    "callboard.join(text, text, text, boolean, double precision), "
    "callboard.send(text, text, text[], jsonb[]), "
    "callboard.read(text, text, text, bigint[], integer, integer, double precision, integer), "
    "callboard.sweep(text), "
    "callboard.leave(text, text, text)",
)
"""What a login of the isolated backend may do."""

DIRECT = (
    "USAGE, CREATE ON SCHEMA pgmq",
    "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pgmq",
    "USAGE ON SCHEMA callboard",
    "SELECT, INSERT, UPDATE, DELETE ON callboard.queues",
)
"""What a login of the direct backend may do: all nodes of a channel are one such login."""

RIGHTS = """
SELECT (SELECT array_agg(nspacl::text ORDER BY oid) FROM pg_namespace),
    (SELECT array_agg(relacl::text ORDER BY oid) FROM pg_class),
    (SELECT array_agg(proacl::text ORDER BY oid) FROM pg_proc)
"""


async def install(url: str, *, isolated: bool = False, roles: Sequence[str] = ()) -> list[str]:
    """Install PGMQ where it is not there, and what is ours; return a line for each thing done.

    `isolated` adds the functions of the isolated backend; `roles` are logins that are given what
    their backend needs, and nothing else. A second run changes nothing.

    Raises:
        PgmqError: the database or its user does not allow it.

    """
    connections = FromUrl(url, "callboard pgmq install")
    session = await connections.open()
    try:
        async with session.transaction():
            await session.fetch(LOCK)
            done = await _install_pgmq(session)
            done += await _install_ours(session, "leases.sql", "the table of leases")
            if isolated:
                what = "the functions of the isolated backend"
                done += await _install_ours(session, "isolated.sql", what)
            for role in roles:
                done += await _grant(session, role, ISOLATED if isolated else DIRECT)
        return done
    finally:
        await connections.close(session)


async def install_leases(session: Session) -> None:
    """Add the table of leases, for the direct backend."""
    async with session.transaction():
        await session.fetch(LOCK)
        await _install_ours(session, "leases.sql", "the table of leases")


async def _install_pgmq(session: Session) -> list[str]:
    [(extension, schema, functions)] = await session.fetch(FOUND)
    if extension is not None or functions:
        return []
    if schema:
        raise PgmqError(
            "the database has a schema 'pgmq' without PGMQ's functions: drop or rename it first"
        )
    try:
        from pgmq.install import get_embedded_install_sql, get_embedded_sql_version
    except ImportError as error:
        raise ImportError(
            "to install PGMQ, its client is needed: run pip install 'callboard[pgmq]'"
        ) from error
    await session.run(get_embedded_install_sql())
    return [f"installed PGMQ {get_embedded_sql_version()} (SQL only, into the schema 'pgmq')"]


async def _install_ours(session: Session, name: str, what: str) -> list[str]:
    """Run one of our scripts, unless just this one has been run."""
    script = files(__package__ or "").joinpath(name).read_text("utf-8")
    digest = hashlib.sha256(script.encode()).hexdigest()
    await session.run(
        "CREATE SCHEMA IF NOT EXISTS callboard; CREATE TABLE IF NOT EXISTS callboard.installed "
        "(script text PRIMARY KEY, digest text NOT NULL)"
    )
    known = await session.fetch("SELECT digest FROM callboard.installed WHERE script = $1", name)
    if known and known[0][0] == digest:
        return []
    await session.run(script)
    await session.fetch(
        "INSERT INTO callboard.installed VALUES ($1, $2) "
        "ON CONFLICT (script) DO UPDATE SET digest = excluded.digest",
        name,
        digest,
    )
    return [f"{'updated' if known else 'installed'} {what} (schema 'callboard')"]


async def _grant(session: Session, role: str, rights: Sequence[str]) -> list[str]:
    """Give a login what a backend needs of it, and nothing else."""
    found = await session.fetch("SELECT quote_ident($1) FROM pg_roles WHERE rolname = $1", role)
    if not found:
        raise PgmqError(f"there is no role {role!r} in the database: CREATE ROLE it first")
    backend = "isolated" if rights is ISOLATED else "direct"
    before = await session.fetch(RIGHTS)
    for each in rights:
        await session.run(f"GRANT {each} TO {found[0][0]}")
    if [*before[0]] == [*(await session.fetch(RIGHTS))[0]]:
        return []
    return [f"let the role {role!r} use the {backend} backend"]
