"""What answers cost together: the only room that knows dp_accounting.

Losses are composed as privacy-loss distributions, on a grid of losses, rounded up everywhere.
"""

from gateway.planning.accounting.losses import Loss, compose

__all__ = ["Loss", "compose"]
