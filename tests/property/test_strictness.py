"""Strictest wins: the laws that make the order of rules irrelevant."""

import itertools
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.grades import Grade, effective
from gateway.model.transforms import (
    BinNumber,
    BoundedNoise,
    EncryptCharacters,
    EncryptIdentifier,
    GeneralizeDate,
    GeneralizeHierarchy,
    Keep,
    Mask,
    MaskForm,
    MaskPattern,
    RandomToken,
    RedactText,
    Replace,
    ReplacePattern,
    ReversibleToken,
    RoundNumber,
    ShiftDate,
    Suppress,
    Token,
    TopBottomCode,
    TransformSpec,
    Truncate,
    join,
    join_all,
    stricter_or_equal,
)
from gateway.risk.grades import grade_after

characters = st.sampled_from("*#")


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    first, last = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    more = draw(st.integers(1, 3)) if first + last else 1
    lengths = draw(st.booleans())
    return Mask(
        keep_first=first,
        keep_last=last,
        shortest=first + last + more,
        character=draw(characters),
        keep_length=lengths,
        separators=draw(st.sampled_from(["", "-", "-@"])) if lengths else "",
    )


@st.composite
def bins(draw: st.DrawFn) -> BinNumber:
    tenths = draw(st.sampled_from([5, 10, 15, 20, 30, 50, 60]))
    origin = draw(st.integers(0, tenths - 1))
    ends = sorted(draw(st.lists(st.integers(-6, 12), min_size=2, max_size=2)))
    low, high = (f"{(origin + n * tenths) / 10}" for n in ends)
    return BinNumber(
        width=str(tenths / 10),
        origin=str(origin / 10),
        bottom=draw(st.sampled_from([None, low])),
        top=draw(st.sampled_from([None, high])),
    )


@st.composite
def clips(draw: st.DrawFn) -> TopBottomCode:
    bottom, top = sorted(draw(st.lists(st.integers(-20, 40), min_size=2, max_size=2)))
    chosen = draw(st.sampled_from(["bottom", "top", "both"]))
    return TopBottomCode(
        bottom=None if chosen == "top" else bottom, top=None if chosen == "bottom" else top
    )


@st.composite
def forms(draw: st.DrawFn) -> MaskForm:
    form = draw(st.sampled_from(["phone", "resident_id", "email"]))
    kept = {"keep_first": draw(st.integers(0, 3)), "keep_last": draw(st.integers(0, 4))}
    return MaskForm(form=form, character=draw(characters), **(kept if form != "email" else {}))


scopes = st.sampled_from(["recipient", "project"])
ciphers = st.sampled_from(["AES", "SM4"])
profiles = st.one_of(
    st.builds(
        EncryptIdentifier,
        profile=st.sampled_from(["mobile"]),
        keep=st.sampled_from([0, 3]),
        normalise=st.booleans(),
        scope=scopes,
    ),
    st.builds(
        EncryptIdentifier, profile=st.just("bank_card"), keep=st.integers(0, 8), scope=scopes
    ),
    st.builds(
        EncryptIdentifier,
        profile=st.just("resident_id"),
        last_day=st.sampled_from([date(2029, 12, 31), date(2030, 12, 31)]),
        scope=scopes,
        cipher=ciphers,
    ),
)


@st.composite
def characters_of(draw: st.DrawFn) -> EncryptCharacters:
    unsafe = draw(st.booleans())
    return EncryptCharacters(
        alphabet=draw(st.sampled_from(["0123456789", "9876543210"])),
        separators=draw(st.sampled_from(["", "-"])),
        length=draw(st.sampled_from([None, 6, 7, *([2, 5] if unsafe else [])])),
        unsafe_small_domains=unsafe,
        scope=draw(scopes),
    )


@st.composite
def tokens(draw: st.DrawFn) -> Token:
    rows = draw(st.sampled_from([2**32, 10**6, 1000]))
    return Token(
        scope=draw(scopes), length=draw(st.integers(17, 18)), rows=rows, cipher=draw(ciphers)
    )


reversible = st.builds(ReversibleToken, scope=scopes, cipher=ciphers)
found_pseudonyms = st.one_of(tokens(), reversible)
pseudonyms = st.one_of(found_pseudonyms, st.builds(RandomToken, scope=scopes, cipher=ciphers))
by_person = st.one_of(
    st.builds(ShiftDate, most_days=st.sampled_from([7, 30]), scope=scopes),
    st.builds(BoundedNoise, most_steps=st.sampled_from([3, 5]), scope=scopes),
)

actions = st.one_of(
    st.sampled_from(["replace", "mask", "remove"]),
    st.builds(Keep),
    st.builds(Replace, text=st.sampled_from("XY")),
    masks(),
    forms(),
    found_pseudonyms,
    profiles,
    characters_of(),
)
redactions = st.builds(
    RedactText,
    default=st.sampled_from(["replace", "mask", "remove"]),
    entities=st.dictionaries(st.sampled_from(["PERSON", "CN_MOBILE", "URL"]), actions),
    threshold=st.sampled_from([40, 60]),
    rules=st.sampled_from([None, None, None, "others"]),
)

numbers = st.one_of(
    bins(), clips(), st.builds(RoundNumber, step=st.sampled_from([1, "0.5", 3, 10, 30, 50, 90]))
)
texts = st.one_of(
    masks(),
    forms(),
    st.builds(Truncate, length=st.integers(1, 5)),
    st.builds(
        MaskPattern,
        pattern=st.sampled_from(["[0-9]+", "[a-c]"]),
        unmatched=st.sampled_from(["keep", "suppress"]),
    ),
    st.builds(ReplacePattern, pattern=st.just("[0-9]+"), replacement=st.sampled_from(["", "N"])),
    st.builds(
        GeneralizeHierarchy,
        hierarchy=st.sampled_from(["region", "illness"]),
        level=st.integers(1, 3),
    ),
    pseudonyms,
    profiles,
    characters_of(),
    redactions,
)
dates = st.builds(GeneralizeDate, to=st.sampled_from(["month", "quarter", "year", "five_years"]))
ends = st.one_of(
    st.just(Keep()), st.just(Suppress()), st.builds(Replace, text=st.sampled_from("XY"))
)
specs: st.SearchStrategy[TransformSpec] = st.one_of(numbers, texts, dates, by_person, ends)
within_family = st.one_of(
    *(
        st.tuples(kind, kind, kind)
        for kind in (
            masks(),
            numbers,
            forms(),
            dates,
            pseudonyms,
            profiles,
            characters_of(),
            by_person,
            redactions,
            specs,
        )
    )
)


@settings(max_examples=600)
@given(within_family)
def test_join_is_a_semilattice(abc: tuple[TransformSpec, TransformSpec, TransformSpec]) -> None:
    a, b, c = abc
    assert join(a, a) == a
    assert join(a, b) == join(b, a)
    assert join(join(a, b), c) == join(a, join(b, c))


@given(st.lists(specs, max_size=4))
def test_the_order_of_rules_does_not_matter(found: list[TransformSpec]) -> None:
    results = {join_all(order).canonical() for order in itertools.permutations(found)}
    assert len(results) == 1


@given(within_family)
def test_the_join_is_as_strict_as_each_and_the_least_such(
    abc: tuple[TransformSpec, TransformSpec, TransformSpec],
) -> None:
    a, b, c = abc
    both = join(a, b)
    assert stricter_or_equal(both, a)
    assert stricter_or_equal(both, b)
    if stricter_or_equal(c, a) and stricter_or_equal(c, b):
        assert stricter_or_equal(c, both)


@given(specs)
def test_keep_is_the_bottom_and_suppress_the_top(spec: TransformSpec) -> None:
    assert join(Keep(), spec) == spec
    assert join(Suppress(), spec) == Suppress()


def test_a_constant_text_and_a_mask_are_suppressed() -> None:
    assert join(Replace(text="X"), Mask(keep_first=1)) == Suppress()
    assert join(Replace(text="X"), Replace(text="Y")) == Suppress()


def test_nothing_to_join_is_suppressed() -> None:
    assert join_all([]) == Suppress()


@given(specs)
def test_a_spec_survives_its_own_canonical_form(spec: TransformSpec) -> None:
    again = type(spec).model_validate_json(spec.canonical())
    assert again == spec
    assert again.digest() == spec.digest()


@given(
    within_family,
    st.sampled_from([None, *Grade]),
    st.sampled_from([None, *Grade]),
)
def test_grades_of_what_is_left_are_monotone_and_never_rise(
    abc: tuple[TransformSpec, TransformSpec, TransformSpec],
    grade: Grade | None,
    other: Grade | None,
) -> None:
    a, b, _ = abc
    after = grade_after(a, grade)
    assert effective(grade).at_least(after)
    assert after.at_least(grade_after(join(a, b), grade))
    low, high = sorted((grade, other), key=lambda g: effective(g).rank)
    assert grade_after(a, high).at_least(grade_after(a, low))


@pytest.mark.parametrize(
    ("a", "b", "joined"),
    [
        pytest.param(
            Mask(keep_first=3, keep_last=4, keep_length=True),
            Mask(keep_first=6, keep_last=2, keep_length=True),
            Mask(keep_first=3, keep_last=2, keep_length=True, shortest=9),
            id="masks: what both keep, of values that both keep parts of",
        ),
        pytest.param(
            Mask(keep_first=3), Mask(keep_first=1), Mask(), id="masks: which are short is not told"
        ),
        pytest.param(
            Mask(keep_first=1, keep_length=True, separators="-"),
            Mask(keep_first=1, keep_length=True),
            Mask(keep_length=True),
            id="masks: other characters are counted",
        ),
        pytest.param(
            Mask(keep_first=3, character="*"), Mask(keep_first=3, character="#"),
            Mask(keep_first=3, character="#"), id="masks: the smaller sign",
        ),
        pytest.param(Truncate(length=4), Truncate(length=6), Truncate(length=4), id="truncate"),
        pytest.param(
            MaskForm(form="phone", keep_last=4), MaskForm(form="phone", keep_first=0),
            MaskForm(form="phone", keep_first=0, keep_last=2), id="forms: the fewer digits",
        ),
        pytest.param(
            MaskForm(form="phone"), MaskForm(form="bank_card"), Suppress(), id="other forms"
        ),
        pytest.param(
            BinNumber(width=10, bottom=20), BinNumber(width=15, top=90),
            BinNumber(width=30, bottom=30, top=90), id="bins: common cuts, tighter ends",
        ),
        pytest.param(
            BinNumber(width=10, origin=5), BinNumber(width=15, origin=5),
            BinNumber(width=30, origin=5), id="bins: same origin",
        ),
        pytest.param(
            BinNumber(width=10, origin=3), BinNumber(width=15, origin=8),
            BinNumber(width=30, origin=23), id="bins: origins that meet",
        ),
        pytest.param(
            BinNumber(width=10), BinNumber(width=10, origin=5), Suppress(), id="bins: never meet"
        ),
        pytest.param(
            BinNumber(width=10, top=40), BinNumber(width=10, bottom=50), Suppress(),
            id="bins: no cut left",
        ),
        pytest.param(
            BinNumber(width="999999999999999"), BinNumber(width="999999999999998"), Suppress(),
            id="bins: too wide to be written",
        ),
        pytest.param(
            BinNumber(width=10), TopBottomCode(bottom=20, top=90),
            BinNumber(width=10, bottom=30, top=90), id="bins within top and bottom coding",
        ),
        pytest.param(
            TopBottomCode(bottom=1, top=9), TopBottomCode(top="8.5"),
            TopBottomCode(bottom=1, top="8.5"), id="top and bottom coding",
        ),
        pytest.param(
            TopBottomCode(bottom=9), TopBottomCode(top=1), Suppress(), id="nothing between"
        ),
        pytest.param(
            RoundNumber(step=10), RoundNumber(step=30), RoundNumber(step=30), id="odd multiple"
        ),
        pytest.param(
            RoundNumber(step=30), RoundNumber(step=50), RoundNumber(step=150), id="common multiple"
        ),
        pytest.param(
            RoundNumber(step=10), RoundNumber(step=100), Suppress(), id="rounding twice differs"
        ),
        pytest.param(
            GeneralizeDate(to="year"), GeneralizeDate(to="month"), GeneralizeDate(to="year"),
            id="dates: the coarser",
        ),
        pytest.param(
            GeneralizeHierarchy(hierarchy="region", level=1),
            GeneralizeHierarchy(hierarchy="region", level=2),
            GeneralizeHierarchy(hierarchy="region", level=2),
            id="hierarchy: the higher level",
        ),
        pytest.param(
            GeneralizeHierarchy(hierarchy="region", level=1),
            GeneralizeHierarchy(hierarchy="county", level=2),
            Suppress(),
            id="other hierarchies",
        ),
        pytest.param(
            Token(scope="project"), Token(), Token(scope="recipient"), id="recipient before project"
        ),
        pytest.param(Token(length=17), Token(length=18), Suppress(), id="tokens of other lengths"),
        pytest.param(
            Token(rows=10**6, length=17), Token(scope="project"), Token(rows=10**6, length=17),
            id="tokens: the fewer rows",
        ),
        pytest.param(Token(cipher="SM4"), Token(), Suppress(), id="tokens over other ciphers"),
        pytest.param(
            ReversibleToken(), Token(scope="project"), Token(),
            id="irreversible before reversible, recipient before project",
        ),
        pytest.param(
            RandomToken(scope="project"), ReversibleToken(), RandomToken(),
            id="what no key leads back from before what a key takes back",
        ),
        pytest.param(RandomToken(), Token(), Suppress(), id="two that cannot be taken back by key"),
        pytest.param(
            ReversibleToken(cipher="SM4"), Token(), Suppress(), id="two pseudonyms, other ciphers"
        ),
        pytest.param(
            EncryptIdentifier(profile="mobile"), EncryptIdentifier(profile="mobile", keep=0),
            EncryptIdentifier(profile="mobile", keep=0), id="profiles: the fewer kept",
        ),
        pytest.param(
            EncryptIdentifier(profile="bank_card", keep=8), EncryptIdentifier(profile="bank_card"),
            Suppress(), id="cards: with 8 kept short ones are unhandled",
        ),
        pytest.param(
            EncryptIdentifier(profile="mobile", normalise=True),
            EncryptIdentifier(profile="mobile"),
            Suppress(),
            id="profiles: other values are handled",
        ),
        pytest.param(
            EncryptIdentifier(profile="mobile"), Token(), Suppress(),
            id="a token tells apart what is no mobile number",
        ),
        pytest.param(
            EncryptIdentifier(profile="mobile"), EncryptIdentifier(profile="plate"), Suppress(),
            id="other profiles",
        ),
        pytest.param(
            EncryptCharacters(alphabet="0123456789", length=7),
            EncryptCharacters(alphabet="0123456789", unsafe_small_domains=True),
            EncryptCharacters(alphabet="0123456789", length=7),
            id="characters: the one length, and safe before unsafe",
        ),
        pytest.param(
            EncryptCharacters(alphabet="0123456789", length=4, unsafe_small_domains=True),
            EncryptCharacters(alphabet="0123456789"),
            Suppress(),
            id="characters: no value is handled by both",
        ),
        pytest.param(
            ShiftDate(most_days=7), ShiftDate(most_days=30), Suppress(), id="dates by other days"
        ),
        pytest.param(
            ShiftDate(most_days=7), ShiftDate(most_days=7, scope="project"), Suppress(),
            id="dates shifted by another key: neither follows from the other",
        ),
        pytest.param(
            MaskPattern(pattern="a"), MaskPattern(pattern="a", unmatched="keep"), Suppress(),
            id="patterns only join themselves",
        ),
        pytest.param(Truncate(length=3), Mask(keep_first=3), Suppress(), id="other families"),
        pytest.param(
            RedactText(entities={"PERSON": Token(), "URL": Keep()}, threshold=60),
            RedactText(entities={"PERSON": Token(scope="project")}, default="mask"),
            RedactText(entities={"PERSON": Token(), "URL": "mask"}),
            id="texts: entity by entity, unnamed ones as the default, the lower threshold",
        ),
        pytest.param(
            RedactText(entities={"PERSON": Token(), "URL": Mask(keep_first=1), "VIN": "remove"}),
            RedactText(entities={"PERSON": Mask(), "URL": "mask", "VIN": Keep()}),
            RedactText(entities={"VIN": "remove"}),
            id="texts: what has nothing in common is replaced by its entity",
        ),
        pytest.param(
            RedactText(entities={"URL": "remove", "VIN": "remove"}),
            RedactText(entities={"URL": Token()}),
            RedactText(entities={"URL": "remove", "VIN": "remove"}),
            id="texts: what is removed does not even tell that it was there",
        ),
        pytest.param(
            RedactText(rules="a"), RedactText(rules="b"), Suppress(), id="texts: other rules"
        ),
        pytest.param(
            RedactText(), MaskPattern(pattern="a"), Suppress(), id="free text and a pattern"
        ),
    ],
)  # fmt: skip
def test_what_stricter_means_for_each_pair(
    a: TransformSpec, b: TransformSpec, joined: TransformSpec
) -> None:
    assert join(a, b) == joined
    assert join(b, a) == joined
