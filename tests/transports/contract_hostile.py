"""What every transport must refuse."""

from tests.transports.contract_stage import Staged

__all__ = ["Hostile"]


class Hostile(Staged):
    """x"""
