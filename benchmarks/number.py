"""How figures are written for people."""


def number(value: float) -> str:
    """Writes a figure with three digits that count: 1.62 M, 189 k, 57.3."""
    for start, unit, suffix in ((1e6, 1e6, " M"), (1e4, 1e3, " k")):
        if value >= start:
            scaled = value / unit
            return f"{scaled:.{_decimals(scaled)}f}{suffix}"
    return f"{value:.{_decimals(value)}f}"


def _decimals(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 2
