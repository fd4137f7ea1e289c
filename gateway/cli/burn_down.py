"""A budget's burn-down, drawn with characters: what was left after each charge."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from gateway.cli.output import OUT, when

_WIDTH: Final = 60
_HEIGHT: Final = 8
_STEPS: Final = " ▁▂▃▄▅▆▇█"


def show_burn_down(budget: dict[str, Any]) -> None:
    """Left over time, from the approval on where nothing was charged before; one column is an equal
    part of the time."""
    limit = Decimal(budget["epsilon"])
    moments = [datetime.fromisoformat(point["time"]) for point in budget["burn_down"]]
    left = [max(Decimal(0), limit - Decimal(point["spent"])) for point in budget["burn_down"]]
    approved = datetime.fromisoformat(budget["approved"])
    if approved <= moments[0]:
        moments, left = [approved, *moments], [limit, *left]
    for line in drawn([m.timestamp() for m in moments], [float(part / limit) for part in left]):
        OUT.print(f"  {line}", markup=False)
    since, until = (when(moment.isoformat()) for moment in (moments[0], moments[-1]))
    OUT.print(f"  {since}{until.rjust(_WIDTH + 7 - len(since))}", style="dim")


def drawn(times: Sequence[float], shares: Sequence[float]) -> list[str]:
    """Lines from the top down; ``shares`` of the limit that were left after each moment."""
    first, span = times[0], max(times[-1] - times[0], 1e-9)
    columns = [1.0] * _WIDTH
    for time, share in zip(times, shares, strict=True):
        at = min(_WIDTH - 1, int((time - first) / span * (_WIDTH - 1)))
        columns[at:] = [share] * (_WIDTH - at)
    lines = []
    for row in range(_HEIGHT, 0, -1):
        level = f"{row / _HEIGHT:>4.0%}" if row in (_HEIGHT, _HEIGHT // 2) else "    "
        filled = [min(8, max(0, round((share * _HEIGHT - row + 1) * 8))) for share in columns]
        lines.append(f"{level} │{''.join(_STEPS[part] for part in filled)}")
    lines.append(f"  0% └{'─' * _WIDTH}")
    return lines
