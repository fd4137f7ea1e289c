"""Transforms as people see them."""

from gateway.cli.transforms import transform_text, transform_told


def test_a_recoded_column_is_not_said_to_be_kept():
    assert transform_text('{"kind": "keep"}') == "keep"
    assert transform_text('{"kind": "keep"}', recoded=True) == "recoded with the data set"
    assert transform_told({"kind": "keep"}, recoded=True) == "recoded with the data set"
