"""The engine of the settings finds names; a folder that holds no model stops the start."""

import os
import shutil
import subprocess
import sys
from importlib import resources
from importlib.metadata import version

import pyarrow as pa
import pytest
import spacy
from pydantic import ValidationError

from gateway.app.texts import LazyFinder
from gateway.classify.provenance import CODE, finding
from gateway.config import Text
from gateway.errors import ConfigurationError
from gateway.model.text_specs import RedactText


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


def test_the_rules_name_the_language_the_packages_and_the_code(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.app.texts.LazyFinder._loaded", lambda _: None)
    english, chinese = (
        LazyFinder(Text(engine="stanza", path=tmp_path, language=language)).rules
        for language in ("en", "zh-hans")
    )
    assert english != chinese
    for package in ("jieba", "presidio-analyzer"):
        assert version(package) in english
    assert english.endswith(finding())
    # A model's version is the longest that stands in a plan.
    assert RedactText(rules=chinese).rules == chinese


def test_the_digest_of_the_code_follows_what_finds(tmp_path, monkeypatch):
    # What is loaded when texts are searched, without what reads and holds the pack.
    code = (
        "import sys, gateway.classify.text, gateway.classify.operators;"
        "print(*(m.removeprefix('gateway.classify.') for m in sys.modules"
        " if m.startswith('gateway.classify.')))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pack = {"calibration", "grading", "linear", "pack", "traits", "verdict"}
    assert {*ended.stdout.split()} - pack == {*CODE} - {"provenance"}
    copied = {
        room: shutil.copytree(resources.files(room), tmp_path / room)
        for room in ("gateway.classify", "gateway.norms")
    }
    monkeypatch.setattr("gateway.classify.provenance.files", copied.get)
    digest = finding.__wrapped__
    assert digest() == finding()
    for changed in (
        *(copied["gateway.classify"] / f"{name}.py" for name in CODE),
        copied["gateway.norms"] / "marks.py",
    ):
        before = digest()
        changed.write_bytes(changed.read_bytes() + b"#")
        assert digest() != before


def test_a_folder_without_a_model_stops_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match="holds no spaCy model"):
        LazyFinder(Text(engine="spacy", path=tmp_path))


def test_an_engine_and_its_folder_belong_together(tmp_path):
    with pytest.raises(ValidationError, match="takes no path"):
        Text(path=tmp_path)
    with pytest.raises(ValidationError, match="needs the path"):
        Text(engine="stanza")
