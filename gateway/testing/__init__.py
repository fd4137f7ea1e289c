"""Generated residents of a city that does not exist, for demonstrations, tests and benchmarks.

`residents`, `household_register`, `health_insurance` and `employment` return tables about the same
people for the same rows and seed, joined by resident_id; each has a `_batches` form that yields
the same rows in bounded memory. `dirty` spoils a table the way real ones are. Nothing here comes
from a person, and no value depends on the platform, the clock or the machine.
"""

from gateway.testing.columns import STYLES, Style
from gateway.testing.dirt import dirty
from gateway.testing.employment import employment, employment_batches
from gateway.testing.insurance import health_insurance, health_insurance_batches
from gateway.testing.population import MAX_ROWS, REFERENCE_DATE
from gateway.testing.register import (
    household_register,
    household_register_batches,
    residents,
    residents_batches,
)

__all__ = [
    "MAX_ROWS",
    "REFERENCE_DATE",
    "STYLES",
    "Style",
    "dirty",
    "employment",
    "employment_batches",
    "health_insurance",
    "health_insurance_batches",
    "household_register",
    "household_register_batches",
    "residents",
    "residents_batches",
]
