"""What presidio's operators write in the place of a find.

Of the find they are told its entity and its length and never its text, so that each is asked once
for each length there is, whatever the number of finds. presidio's ``hash`` is not among them: a
phone number or an identity number is found from its hash by trying all that there are, and a key
for it would have to travel in the operator's parameters. The gateway's own ``token`` does that
work under a key of its own domain; presidio's ``encrypt`` is left out for the same reason.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
from presidio_anonymizer.operators import Mask, Operator, Redact, Replace

from gateway.model.text_specs import TextOperator

# Any: presidio's own typing of parameters.
_OPERATORS: Final[Mapping[TextOperator, tuple[Operator, Mapping[str, Any]]]] = MappingProxyType(
    {
        "replace": (Replace(), {}),  # without a new value: the entity in angle brackets
        "mask": (Mask(), {"masking_char": "*", "chars_to_mask": 2**31, "from_end": False}),
        "remove": (Redact(), {}),
    }
)


def write(operator: TextOperator, entity: str, lengths: pa.Array) -> pa.Array:
    """As ports.TextFinder.write."""
    does, parameters = _OPERATORS[operator]
    coded = lengths.dictionary_encode()
    texts = [
        does.operate("x" * length, {**parameters, "entity_type": entity})
        for length in coded.dictionary.to_pylist()
    ]
    return pa.array(texts, pa.string()).take(coded.indices)
