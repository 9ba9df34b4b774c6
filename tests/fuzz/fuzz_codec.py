"""Fuzzing of the codec: whatever bytes come, a value that crosses again, or `Undecodable`.

`python -m tests.fuzz.fuzz_codec 60` looks for 60 seconds, led by what the bytes make the code do
(atheris, a part of the `dev` extra on Linux on x86-64). Where atheris has no wheel, hypothesis
draws the bytes at random, for as long: it finds less.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

WATCHED = ["callboard.transports"]
"""What is followed as it runs: instrumenting all of Python takes a minute."""

atheris: Any = None
following: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
if __name__ == "__main__":
    with contextlib.suppress(ImportError):  # no wheel for this Python or machine
        atheris = importlib.import_module("atheris")
        following = atheris.instrument_imports(include=WATCHED)

with following:
    from callboard.transports.container import pack
    from callboard.transports.errors import NotCarried, Undecodable
    from callboard.transports.json_codec import JsonCodec
    from callboard.transports.kinds import TAGS
    from tests.transports.codec.carried import identical, make_ref

__all__ = ["SEEDS", "take"]

CODEC = JsonCodec()

SEEDS: list[bytes] = [
    b"null",
    b'{"a":[1,2.5,"x",true]}',
    b'{"~:tests.everything":{"name":"x","number":1,"point":{"x":1.0},"names":["a"]}}',
    b'{"~:tests.everything":{"name":"x","when":"2026-01-01T00:00:00+00:00","price":"1.5"}}',
    b'{"~:tests.node":{"value":{"~tuple":[{"~set":[1]},{"~dict":[[1,2]]}]},"children":[{}]}}',
    b'{"~:tests.pair":{"left":{"~datetime":["2026-01-01T00:00:00",1,"Europe/Berlin"]}}}',
    b'{"~:tests.settings":{"name":"x","parts":[{"~tuple":[1,"a"]}]}}',
    b'{"~:tests.circle":{"name":"c","_secret":1,"holes":[{"x":1}],"radius":2.0}}',
    b'[{"~decimal":"1.0"},{"~uuid":"00000000000000000000000000000000"},{"~ref":"w"}]',
    b'[{"~int":"0x10000000000000000"},{"~float":"7ff8000000000000"},{"~complex":[0.0,1.0]}]',
    pack(b'[{"~bytes":0},{"~bytearray":1},{"~str":2}]', [b"abc", b"", b"abc"]),
]

WORDS = [*TAGS, "~tuple", "~dict", "~set", "~frozenset", "~:tests.node", "~:tests.pair"]
"""What random bytes would not come upon."""


def take(data: bytes) -> None:
    """Decode; what is a value has to cross once more, and arrive the same.

    What a foreign codec may write and ours does not (an upgrade's old fields, say) may be refused
    at the sender, but never changed.
    """
    try:
        value = CODEC.decode(data, make_ref)
    except Undecodable:
        return
    try:
        again = CODEC.decode(CODEC.encode(value), make_ref)
    except NotCarried:
        return
    if not identical(again, value):
        raise AssertionError(f"{data!r} became {value!r}, and then {again!r}")


def by_atheris(seconds: int) -> None:
    """Look, led by what the bytes make the code do; at the end this ends the process."""
    folder = Path(tempfile.mkdtemp(prefix="callboard-fuzz-"))
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS):
        (corpus / str(number)).write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"\\"{word}\\":"\n' for word in WORDS))
    arguments = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10", f"-dict={words}"]
    arguments += [f"-artifact_prefix={folder}/", str(corpus)]
    atheris.Setup([sys.argv[0], *arguments], take)
    atheris.Fuzz()


def by_hypothesis(seconds: float) -> None:
    """Draw bytes for so long."""
    end = time.monotonic() + seconds

    @settings(
        max_examples=200,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(
        st.one_of(st.binary(max_size=200), st.sampled_from(SEEDS)),
        st.binary(max_size=8),
        st.randoms(),
    )
    def look(data: bytes, other: bytes, chance: Any) -> None:
        place = chance.randrange(len(data) + 1)
        take(data[:place] + other + data[place + chance.randrange(4) :])

    while time.monotonic() < end:
        look()
    sys.stdout.write("Done, by hypothesis\n")


def main(seconds: int) -> None:
    """Look for so many seconds; whatever is found ends the process with a traceback."""
    for seed in SEEDS:
        take(seed)
    if atheris is not None:
        by_atheris(seconds)
    else:
        by_hypothesis(seconds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
