"""All attacks on one release, in order."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from gateway.model.attacks import AttackResult
from gateway.risk.attacks.arrays import Indices
from gateway.risk.attacks.differencing import Held, differencing
from gateway.risk.attacks.ends import ends
from gateway.risk.attacks.inference import inference
from gateway.risk.attacks.linkability import linkability
from gateway.risk.attacks.record_linkage import record_linkage
from gateway.risk.attacks.refinement import refinement
from gateway.risk.attacks.setting import AttackSpec, prepare
from gateway.risk.attacks.singling_out import singling_out


def run_attacks(
    original: pa.Table,
    released: pa.Table,
    spec: AttackSpec,
    draw: np.random.Generator,
    *,
    origin: Sequence[int] | Indices | None = None,
    control: pa.Table | None = None,
    held: Sequence[Held] | None = None,
) -> tuple[AttackResult, ...]:
    """Every attack that ``spec`` and the tables allow, each with what it reached.

    ``original`` holds the records that were released from (see ``spec.whole``), ``released`` what
    is to leave; both have the columns that ``spec`` names. ``draw`` is seeded by the caller: the
    same seed attacks the same persons. ``origin`` gives for each released record the row of the
    original that it came from, −1 for none. ``control`` holds persons of the same population who
    are not in the release. InvalidRequest for a spec that does not fit the tables.
    """
    setting = prepare(original, released, spec, draw, origin)
    results = (
        *singling_out(setting, control),
        linkability(setting, control),
        *inference(setting, control),
        record_linkage(setting),
        differencing(setting, held),
        refinement(setting),
        ends(setting),
    )
    return tuple(result for result in results if result is not None)
