"""The brokers that a Pipecat channel may be on, each with our transport and a Pipecat process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from callboard.transports.pipecat.transport import (
    PipecatPgmqTransport,
    PipecatRedisTransport,
    PipecatTransport,
)
from tests.transports.pipecat.theirs import Theirs

__all__ = ["ISOLATED_SQL", "Broker", "in_order"]


class Broker:
    """One channel on one broker."""

    def __init__(self, kind: str, url: str, channel: str) -> None:
        self.kind = kind
        self.url = url
        self.channel = channel

    def __repr__(self) -> str:
        return f"<Broker {self.kind} {self.channel}>"

    def transport(self, **settings: Any) -> PipecatTransport:
        """Our way to it."""
        if self.kind == "redis":
            return PipecatRedisTransport(self.url, channel=self.channel, **settings)
        isolated = self.kind == "isolated"
        return PipecatPgmqTransport(self.url, channel=self.channel, isolated=isolated, **settings)

    def theirs(self, **config: Any) -> Theirs:
        """A Pipecat process on it, not yet started."""
        where: dict[str, Any] = (
            {"redis": self.url}
            if self.kind == "redis"
            else {"pgmq": self.url, "isolated": self.kind == "isolated"}
        )
        return Theirs(**where, channel=self.channel, **config)


ISOLATED_SQL = """
CREATE TABLE IF NOT EXISTS public.bus_queues (queue text PRIMARY KEY, channel text NOT NULL);

CREATE OR REPLACE FUNCTION public.bus_join(p_channel text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE made text := 'b' || replace(gen_random_uuid()::text, '-', '');
BEGIN
    PERFORM pgmq.create(made);
    INSERT INTO public.bus_queues VALUES (made, p_channel);
    RETURN made;
END $$;

CREATE OR REPLACE FUNCTION public.bus_publish(p_channel text, p_my_queue text, p_message jsonb)
RETURNS bigint[] LANGUAGE sql SECURITY DEFINER AS $$
    SELECT array_agg(sent) FROM public.bus_queues
    CROSS JOIN LATERAL pgmq.send(queue, p_message) AS sent WHERE channel = p_channel
$$;

CREATE OR REPLACE FUNCTION public.bus_subscribe(
    p_my_queue text, p_channel text, p_vt int, p_qty int, p_max_seconds int
) RETURNS TABLE (msg_id bigint, message jsonb) LANGUAGE sql SECURITY DEFINER AS $$
    SELECT msg_id, message FROM pgmq.read_with_poll(p_my_queue, p_vt, p_qty, p_max_seconds, 50)
    WHERE EXISTS (
        SELECT FROM public.bus_queues WHERE queue = p_my_queue AND channel = p_channel
    ) ORDER BY msg_id
$$;

CREATE OR REPLACE FUNCTION public.bus_archive(p_my_queue text, p_channel text, p_msg_id bigint)
RETURNS boolean LANGUAGE sql SECURITY DEFINER AS $$
    SELECT pgmq.delete(p_my_queue, p_msg_id)
$$;

CREATE OR REPLACE FUNCTION public.bus_leave(p_my_queue text, p_channel text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM public.bus_queues WHERE queue = p_my_queue AND channel = p_channel;
    PERFORM pgmq.drop_queue(p_my_queue);
END $$;
"""
"""What a deployment of Pipecat writes for itself, to the interface that Pipecat describes."""

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "pipecat-channel.md"


def in_order() -> list[str]:
    """Return the statements of the guide that have Pipecat processes read in order."""
    statements = GUIDE.read_text().partition("```sql\n")[2].partition("```")[0]
    return [each for each in statements.splitlines() if each]
