"""Names by a language model from a folder: found, offline, and refused by name when it is none."""

import sys
from types import ModuleType, SimpleNamespace

import pyarrow as pa
import pytest
import spacy

from gateway.classify.engine import engine
from gateway.classify.finder import Reference, Screened
from gateway.classify.models import digest, load
from gateway.classify.pack import standard
from gateway.classify.text import TextProtector
from gateway.errors import ConfigurationError

TEXTS = [
    "请联系 Jane Example 或王小明，电话13800138000",
    "Jane Example at jane@example.com",
    "今天天气很好",
    "",
    "银行卡号6222021234567894567，JANE",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = spacy.blank("en")
    made.add_pipe("entity_ruler").add_patterns(
        [{"label": "PERSON", "pattern": "Jane Example"}, {"label": "ORG", "pattern": "JANE"}]
    )
    path = tmp_path_factory.mktemp("models") / "small"
    made.to_disk(path)
    return path


def test_a_spacy_model_finds_the_names_and_the_rules_the_rest(folder):
    protector = TextProtector(standard(), model=load("spacy", folder))
    found = protector.find(pa.array(TEXTS)).to_pylist()
    assert [
        [(span["entity"], text[span["start"] : span["end"]]) for span in spans]
        for text, spans in zip(TEXTS, found, strict=True)
    ] == [
        [("PERSON", "Jane Example"), ("CN_MOBILE", "13800138000")],
        [("PERSON", "Jane Example"), ("EMAIL_ADDRESS", "jane@example.com")],
        [],
        [],
        [("CN_BANK_CARD", "6222021234567894567")],
    ]


def test_with_a_model_too_a_column_is_searched_as_presidio_does_each_text(folder):
    analyzer = engine(standard(), load("spacy", folder))
    column = pa.array([text * (1 + n % 3) for n, text in enumerate(TEXTS * 4)])
    for entities in (None, ["PERSON"], ["CN_MOBILE"]):
        found = Screened(analyzer, 0.4).find(column, entities)
        assert found
        assert found == Reference(analyzer, 0.4).find(column, entities)


def test_the_digest_follows_every_file(folder, tmp_path):
    before = digest(folder)
    assert before == digest(folder)
    (folder / "added").write_text("x")
    after = digest(folder)
    (folder / "added").unlink()
    assert after != before


@pytest.mark.parametrize("kind", ["spacy", "stanza", "transformers"])
def test_what_is_no_model_is_refused_by_its_folder(kind, tmp_path):
    with pytest.raises(ConfigurationError, match="no folder"):
        load(kind, tmp_path / "missing")
    with pytest.raises(ConfigurationError, match="holds no"):
        load(kind, tmp_path)


@pytest.mark.parametrize(
    ("kind", "file"), [("stanza", "resources.json"), ("transformers", "config.json")]
)
def test_a_missing_package_is_told(kind, file, tmp_path, monkeypatch):
    (tmp_path / file).write_text("{}")
    monkeypatch.setitem(sys.modules, kind, None)
    with pytest.raises(ConfigurationError, match=f"install the package {kind}"):
        load(kind, tmp_path)


def test_a_spoiled_spacy_model_is_told_without_its_contents(tmp_path):
    (tmp_path / "config.cfg").write_text("secret = [")
    with pytest.raises(ConfigurationError, match="spaCy cannot load") as refused:
        load("spacy", tmp_path)
    assert "secret" not in str(refused.value)


def test_stanza_is_given_a_folder_and_no_leave_to_download(tmp_path, monkeypatch):
    asked = {}

    class Pipeline:
        def __init__(self, language, **settings):
            asked.update(settings, language=language)

        def __call__(self, text):
            at = text.find("Jane")
            entity = SimpleNamespace(type="S-PER", start_char=at, end_char=at + 4)
            place = SimpleNamespace(type="LOC", start_char=0, end_char=1)
            return SimpleNamespace(ents=[entity, place] if at >= 0 else [])

    package = ModuleType("stanza")
    package.Pipeline = Pipeline
    monkeypatch.setitem(sys.modules, "stanza", package)
    (tmp_path / "resources.json").write_text("{}")
    model = load("stanza", tmp_path, "en")
    assert asked["download_method"] is None
    assert (asked["dir"], asked["language"]) == (str(tmp_path), "en")
    assert list(model.names(["", "I am Jane"])) == [[], [(5, 9, 0.85)]]


def test_transformers_reads_local_files_and_the_whole_of_long_texts(tmp_path, monkeypatch):
    asked = []

    class Auto:
        is_fast = True
        model_max_length = 512
        config = SimpleNamespace(max_position_embeddings=514)

        @classmethod
        def from_pretrained(cls, name, **settings):
            asked.append((name, settings))
            return cls()

    def pipeline(task, **settings):
        asked.append((task, settings))
        found = [{"entity_group": "PER", "start": 0, "end": 4, "score": 0.5}]
        return lambda text: found if text.startswith("Jane") else []

    package = ModuleType("transformers")
    package.AutoTokenizer = package.AutoModelForTokenClassification = Auto
    package.pipeline = pipeline
    monkeypatch.setitem(sys.modules, "transformers", package)
    (tmp_path / "config.json").write_text("{}")
    model = load("transformers", tmp_path)
    local = {"local_files_only": True, "trust_remote_code": False}
    assert asked[:2] == [
        (str(tmp_path), local),
        (str(tmp_path), local | {"use_safetensors": True}),
    ]
    assert asked[2][1]["stride"] == 64
    assert list(model.names(["Jane", " "])) == [[(0, 4, 0.5)], []]
    # One that names no length is given the model's, or no long text would be read.
    monkeypatch.setattr(Auto, "model_max_length", 10**30)
    load("transformers", tmp_path)
    assert asked[-1][1]["stride"] == 64
    assert asked[-1][1]["tokenizer"].model_max_length == 512
    monkeypatch.setattr(Auto, "is_fast", False)
    with pytest.raises(ConfigurationError, match="cannot load"):
        load("transformers", tmp_path)
