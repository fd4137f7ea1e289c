"""What a release costs: one release, and the most rows it can hold."""

from gateway.model.catalog import SourceVersion
from gateway.model.plan import Charge


def price(version: SourceVersion, limit: int | None) -> Charge:
    """The charge before reading.

    Rounded to the safe side: filters may leave fewer rows, which settling gives back; there can
    never be more than the source holds or the limit admits.
    """
    return Charge(rows=version.rows if limit is None else min(limit, version.rows))
