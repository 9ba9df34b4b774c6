"""How much each contestant does: enough for 0.3 to 1.5 seconds a measurement on a small machine.

A work's definition is the same for all; only how often it is repeated differs.
"""

from .between import Crowd, OverPgmq, OverRedis
from .works import Ask, Churn, FanOut, Job, Restart, Ring, Scale, Tell, Work

SCALES = ("small", "full")

_FAST: dict[str, dict[str, Work]] = {
    "small": {
        "W1": Tell(messages=800_000),
        "W2": Ask(calls=80_000),
        "W3": FanOut(rounds=4_000),
        "W4": Churn(workers=20_000),
        "W5": Ring(hops=150_000),
        "W6": Job(sequential=60_000, each=1_500),
        "W7-redis": OverRedis(sequential=3_000, each=200),
        "W7-pgmq": OverPgmq(sequential=300, each=60),
        "W8": Crowd(seconds=3.0),
        "restart": Restart(crashes=500, many=1_000),
        "scale": Scale(messages=200_000, jobs=20_000, many=10_000),
    },
    "full": {
        "W1": Tell(messages=3_000_000),
        "W2": Ask(calls=300_000),
        "W3": FanOut(rounds=15_000),
        "W4": Churn(workers=100_000),
        "W5": Ring(hops=600_000),
        "W6": Job(sequential=200_000, each=5_000),
        "W7-redis": OverRedis(sequential=20_000, each=1_000),
        "W7-pgmq": OverPgmq(sequential=2_000, each=300),
        "W8": Crowd(seconds=10.0),
        "restart": Restart(crashes=2_000, many=100_000),
        "scale": Scale(messages=1_000_000, jobs=100_000, many=100_000),
    },
}

_SLOW: dict[str, dict[str, dict[str, Work]]] = {
    "pykka": {
        "small": {
            "W1": Tell(messages=120_000),
            "W2": Ask(calls=12_000),
            "W3": FanOut(rounds=500),
            "W4": Churn(workers=500),
            "W5": Ring(hops=20_000),
            "W6": Job(sequential=8_000, each=400),
        },
        "full": {
            "W1": Tell(messages=500_000),
            "W2": Ask(calls=50_000),
            "W3": FanOut(rounds=2_500),
            "W4": Churn(workers=2_000),
            "W5": Ring(hops=100_000),
            "W6": Job(sequential=40_000, each=2_000),
        },
    },
    "pipecat": {
        "small": {
            "W1": Tell(messages=40_000),
            "W2": Ask(calls=2_000),
            "W3": FanOut(rounds=5),
            "W4": Churn(workers=200),
            "W5": Ring(hops=60),
            "W6": Job(sequential=2_000, each=10),
            "W7-redis": OverRedis(sequential=1_000, each=15),
            "W7-pgmq": OverPgmq(sequential=20, each=2),
        },
        "full": {
            "W1": Tell(messages=200_000),
            "W2": Ask(calls=5_000),
            "W3": FanOut(rounds=25),
            "W4": Churn(workers=1_000),
            "W5": Ring(hops=300),
            "W6": Job(sequential=5_000, each=40),
            "W7-redis": OverRedis(sequential=3_000, each=60),
            "W7-pgmq": OverPgmq(sequential=60, each=6),
        },
    },
    "raw": {
        "small": {"W7-redis": OverRedis(sequential=3_000, each=60)},
        "full": {"W7-redis": OverRedis(sequential=20_000, each=300)},
    },
    "autogen": {
        "small": {
            "W1": Tell(messages=8_000),
            "W2": Ask(calls=6_000),
            "W3": FanOut(rounds=40),
            "W4": Churn(workers=4_000),
            "W5": Ring(hops=8_000),
            "W6": Job(sequential=4_000, each=40),
        },
        "full": {
            "W1": Tell(messages=40_000),
            "W2": Ask(calls=30_000),
            "W3": FanOut(rounds=200),
            "W4": Churn(workers=20_000),
            "W5": Ring(hops=40_000),
            "W6": Job(sequential=20_000, each=200),
        },
    },
}


def size_of(work: str, contestant: str, scale: str) -> Work:
    """Finds how much of the work this contestant does at this scale."""
    fast = _FAST[scale][work]
    return _SLOW.get(contestant, {}).get(scale, {}).get(work, fast)
