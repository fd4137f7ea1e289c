"""Adds bounded noise to numbers, drawn by key from the row's subject.

Claim. A value is rounded to a multiple of `step`, half to even, and then off by -`most_steps` to
+`most_steps` of them, each as likely: without rounding, what is left over of a step would come
through as it was. The same subject gets the same noise in every extract of one domain and column,
so that asking again averages nothing out. What stays visible: the value up to the bound, and up to
half a step for whoever knows the noise of the same subject in the same column. This is **not** differential privacy: the
noise is bounded and there is no accounting. Source: GB/T 37964-2019, randomisation.
"""

from decimal import Decimal
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import InvalidRequest, TransformFailed
from gateway.transform.blocks import CipherName
from gateway.transform.keyed_numbers import KeyedNumbers

MOST_STEPS: Final = 2**31 - 1
LARGEST_WHOLE_STEP: Final = 2**62
LARGEST_EXACT: Final = 2**53
"""From here on not every whole number is a double."""
_LABEL: Final = b"numeric noise"


class KeyedNoise:
    """`KeyedNoise(key, most_steps=5, step=Decimal(100)).apply(values, subjects)`.

    `key`: 16 bytes or more, of one domain and one column. `step` is more than zero, and whole for
    columns of whole numbers.
    """

    __slots__ = ("_numbers", "most_steps", "step")

    def __init__(
        self,
        key: bytes,
        *,
        most_steps: int,
        step: Decimal = Decimal(1),
        cipher: CipherName = "AES",
    ) -> None:
        if not 1 <= most_steps <= MOST_STEPS:
            raise InvalidRequest.of("most_steps", f"is 1 to {MOST_STEPS}")
        if not (step.is_finite() and step > 0):
            raise InvalidRequest.of("step", "is a number above zero")
        self.most_steps: Final = most_steps
        self.step: Final = step
        self._numbers = KeyedNumbers(key, _LABEL, cipher=cipher)

    def apply(self, values: pa.Array, subjects: pa.Array) -> pa.Array:
        """Whole numbers or floats to the same type; null values stay null.

        `subjects`: a string or binary column of the same length, not null where there is a value.
        Raises `InvalidRequest` for other types or a step that the type cannot hold,
        `TransformFailed` for a null subject and for a result outside the type's range, or of 2**53
        steps and more in floats.
        """
        kind = values.type
        if len(subjects) != len(values):
            raise InvalidRequest.of("subjects", "is a column as long as the values")
        present = values.is_valid()
        drawn = self._numbers.below(subjects.filter(present), 2 * self.most_steps + 1)
        try:
            noisy = self._added(values.drop_null(), drawn - self.most_steps)
        except pa.ArrowInvalid:
            # from None: the foreign exception shows the value
            raise TransformFailed("a value with noise leaves the range of its type") from None
        return pc.replace_with_mask(pa.nulls(len(values), kind), present, noisy)

    def _added(self, values: pa.Array, steps: NDArray[np.int64]) -> pa.Array:
        kind = values.type
        if pa.types.is_floating(kind):
            return self._added_to_floats(values, steps)
        if not pa.types.is_integer(kind):
            raise InvalidRequest.of("values", f"is {kind}; noise takes whole numbers and floats")
        if self.step != int(self.step):
            raise InvalidRequest.of("step", "is whole for a column of whole numbers")
        step = int(self.step)
        if step > LARGEST_WHOLE_STEP:
            raise InvalidRequest.of("step", f"is {LARGEST_WHOLE_STEP} at most for whole numbers")
        wholes, over = np.divmod(values.cast(pa.int64()).to_numpy(zero_copy_only=False), step)
        wholes += (2 * over > step) | ((2 * over == step) & (wholes % 2 == 1))
        moved = pc.add_checked(pa.array(wholes), pa.array(steps))
        return pc.multiply_checked(moved, step).cast(kind)

    def _added_to_floats(self, values: pa.Array, steps: NDArray[np.int64]) -> pa.Array:
        up, down = (float(number) for number in self.step.as_integer_ratio())
        floats = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore", invalid="ignore"):
            wholes = np.rint(floats / float(self.step)) + steps
            moved = pa.array(wholes * up / down).cast(values.type, safe=False)
        exact = np.abs(wholes) < LARGEST_EXACT
        if not (exact.all() and pc.all(pc.is_finite(moved), min_count=0).as_py()):
            raise TransformFailed("a value with noise leaves the range of its type")
        return moved

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.most_steps} steps of {self.step}, key hidden)"
