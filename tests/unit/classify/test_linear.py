"""A pattern that a back-tracking engine may take long for is refused when the pack is loaded."""

import random
import shutil
import time

import pytest
import regex

from gateway.classify import linear, pack
from gateway.classify.recognizers import recognizers
from gateway.errors import ConfigurationError

REFUSED = {
    "a repetition in a repetition": r"(?:[0-9]+)+x",
    "a repetition of what may be nothing": r"(?:[0-9]?){20}[0-9]{20}",
    "two ways at every place": r"(?:a[0-9]|[a-c][0-9]){30}x",
    "two repetitions side by side": r"[0-9]+[0-9]+x",
    "many lengths of many groups": r"(?:[0-9]{1,4},?){1,12}x",
    "an end that every start looks for": r"x[^y]*y",
    "anything up to something": r".*x",
    "a repetition of several characters without an end": r"(?:ab)+c",
    "several ways to be nothing": r"(?:a?|b?)c",
    "counting too far": r"[a-z]{1,9000}",
    "an anchor": r"\bfoo",
    "digits of all scripts": r"\d{4}",
    "letters of all scripts": r"\w{4}",
    # RE2, Python and the `regex` module each read these as another thing.
    "a class that Python does not know": r"(?:[[:alnum:]]{1,20}){1,20}[0-9]{3}",
    "a class within a class": r"[a[:digit:]]{2}",
    "a difference of classes": r"[a-z--b]{2}",
    "a fuzzy match": r"(?:ABC12345678){e<=2}",
    "a fuzzy match of a count": r"[0-9A]{30}{e<=8}",
    "a count without its beginning": r"a{,3}",
    "a brace": r"a\{2}",
    "a brace in a class": r"[{]a",
}
ALLOWED = [
    r"[0-9]{3,}x",
    r"(?:a|ab)(?:c|bcd)",
    r"https?://[^\s]+",
    r"(?:[0-9]{2}:){5}[0-9]{2}",
    r"\p{Han}{2,9}(?:路|街)[0-9]{1,4}号",
    r"(?:[A-Z](?:[A-Z-]{0,61}[A-Z])?\.){1,8}[A-Z]{2,24}",
]


@pytest.mark.parametrize("fault", REFUSED)
def test_a_pattern_with_too_many_ways_is_refused(fault):
    with pytest.raises(linear.MayBackTrack):
        linear.check(REFUSED[fault])


@pytest.mark.parametrize("pattern", ALLOWED)
def test_a_pattern_with_few_ways_is_taken(pattern):
    linear.check(pattern)


@pytest.mark.parametrize("pattern", [r"[0-9]{3,}x", r"[A-H]+[0-9]"])
def test_where_a_match_may_begin_within_a_word_nothing_is_repeated_without_an_end(pattern):
    linear.check(pattern)
    with pytest.raises(linear.MayBackTrack):
        linear.check(pattern, within_words=True)
    with pytest.raises(ValueError, match="without an end"):
        pack.standard().identifiers[0].but(pattern=pattern, beside="letters")


def test_an_underscore_parts_words():
    with pytest.raises(linear.MayBackTrack):
        linear.check(r"[A-Z_]+[0-9]")


def test_what_is_refused_does_take_long():
    # Each further pair of characters doubles the ways.
    hostile = regex.compile(REFUSED["two ways at every place"])
    with pytest.raises(TimeoutError):
        hostile.search("a1" * 40 + "!x", timeout=0.05)


def test_a_pack_with_such_a_pattern_is_refused_with_the_files_name(tmp_path):
    folder = shutil.copytree(pack.NORMS, tmp_path / "norms")
    rules = folder / "classification" / "identifiers.yaml"
    rules.write_text(
        rules.read_text("utf-8").replace("'[1-9][0-9]{4,10}'", "'(?:[0-9]{1,3},?){1,9}x'")
    )
    with pytest.raises(ConfigurationError, match=r"identifiers\.yaml.*more than 256 ways"):
        pack.load(folder)


PUMPS = """
1 . 1. 1.1.1. 255.255.255.255/ a: :: ::ffff: 1:2:3:4:5:6: fe80::1% a A1 DE89 GB82WEST 1- 123-45-
000-00-0000 00: 00- 0012. bc1q 1B 路 路1 道一 里里 号 一 路一二三四五六 +1 @ a@ a@b. http:// www. www.a /
a.b/ 汉 ， 路人甲乙丙丁1 路1号 王 张伟 阿·
""".split()


@pytest.mark.parametrize("recognizer", recognizers(pack.standard())[:-1], ids=lambda r: r.name)
def test_no_recogniser_takes_longer_than_its_text_is_long(recognizer):
    # Presidio's own patterns are run here too. Sixteen times the text; quadratic would be 256.
    for pump in PUMPS:
        took = []
        for length in (2_000, 32_000):
            text = (pump * length)[:length]
            started = time.process_time()
            recognizer.finds_in([text])
            took.append(time.process_time() - started)
        assert took[1] < 80 * max(took[0], 0.002), pump


def drawn_pattern(rng, depth=0):
    kind = rng.choice("cccsa" if depth > 2 else "ccccsaaorr")
    if kind == "c":
        return rng.choice(["a", "b", "[ab]", "[^a]"])
    if kind == "s":
        return "".join(drawn_pattern(rng, depth + 1) for _ in range(rng.randint(1, 3)))
    if kind == "a":
        return f"(?:{drawn_pattern(rng, depth + 1)}|{drawn_pattern(rng, depth + 1)})"
    if kind == "o":
        return f"(?:{drawn_pattern(rng, depth + 1)})?"
    return f"(?:{drawn_pattern(rng, depth + 1)}){{{rng.randint(0, 2)},{rng.randint(2, 12)}}}"


def steps(tree, text, place, rest):
    """How many characters a back-tracking engine tries that finds no match, one way after
    another; counted apart from the automaton that is tested."""
    if not tree:
        return rest(place)
    (operation, argument), *others = tree
    name = str(operation)

    def on(after):
        return steps(others, text, after, rest)

    if name in ("LITERAL", "NOT_LITERAL", "IN", "ANY"):
        one = regex.compile(source(operation, argument), regex.IGNORECASE)
        fits = place < len(text) and one.fullmatch(text[place])
        return 1 + (on(place + 1) if fits else 0)
    if name == "SUBPATTERN":
        return steps(list(argument[3]), text, place, on)
    if name == "BRANCH":
        return sum(steps(list(branch), text, place, on) for branch in argument[1])
    least, most, inner = argument
    return rounds(list(inner), int(least), int(most), text, place, on)


def rounds(inner, least, most, text, place, on):
    tried = 0
    if most:
        tried += steps(
            inner, text, place, lambda after: rounds(inner, least - 1, most - 1, text, after, on)
        )
    return tried + (on(place) if least <= 0 else 0)


def source(operation, argument):
    if str(operation) == "LITERAL":
        return regex.escape(chr(argument))
    if str(operation) == "NOT_LITERAL":
        return f"[^{chr(argument)}]"
    return "[ab]"


def test_what_is_taken_takes_no_more_steps_than_ways_are_allowed():
    rng = random.Random(7)
    taken = refused = most = 0
    for _ in range(600):
        pattern = drawn_pattern(rng)
        try:
            linear.check(pattern)
        except linear.MayBackTrack:
            refused += 1
            continue
        taken += 1
        tree = list(linear.parser.parse(pattern))
        for text in ("a" * 12, "ab" * 6, "b" * 12, "aab" * 4):
            tried = steps(tree, text, 0, lambda _: 0)
            most = max(most, tried)
            # Each open way tries at most its own state's followers at each character.
            assert tried <= linear.MOST_WAYS * (len(text) + 1) * 4, pattern
    assert taken > 100
    assert refused > 20
    assert most > 50
