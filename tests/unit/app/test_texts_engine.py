"""The engine of the settings finds names; a folder that holds no model stops the start."""

import os

import pyarrow as pa
import pytest
import spacy
from pydantic import ValidationError

from gateway.app.texts import LazyFinder
from gateway.config import Text
from gateway.errors import ConfigurationError


def test_a_model_in_a_folder_finds_and_is_named_in_the_rules(tmp_path, monkeypatch):
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.setenv(name, "0")
    made = spacy.blank("en")
    made.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Jane Example"}])
    made.to_disk(tmp_path)
    finder = LazyFinder(Text(engine="spacy", path=tmp_path))
    assert "; spacy, sha256 " in finder.rules
    assert finder.rules != LazyFinder(Text()).rules
    [[span]] = finder.find(pa.array(["I am Jane Example"])).to_pylist()
    assert (span["entity"], span["start"], span["end"]) == ("PERSON", 5, 17)
    assert os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == "1"


def test_a_folder_without_a_model_stops_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match="holds no spaCy model"):
        LazyFinder(Text(engine="spacy", path=tmp_path))


def test_an_engine_and_its_folder_belong_together(tmp_path):
    with pytest.raises(ValidationError, match="takes no path"):
        Text(path=tmp_path)
    with pytest.raises(ValidationError, match="needs the path"):
        Text(engine="stanza")
