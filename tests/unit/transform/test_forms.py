"""Ready masks: what of each form stays visible, and which values they refuse, named by fault."""

import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.transforms import Form, MaskForm
from gateway.transform.addresses import before_ascii, mask_address
from gateway.transform.characters import Characters
from gateway.transform.registry import build


def masked(form: Form, value: str, **spec: object) -> str | None:
    """The masked value, None where it was reported as unhandled."""
    transform = build(MaskForm(form=form, **spec), source_type=pa.string())
    done = transform.apply(pa.array([value]))
    if done.unhandled is not None:
        assert done.unhandled.to_pylist() == [True]
        assert done.column.to_pylist() == [None]
        return None
    return done.column[0].as_py()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("张三", "张*", id="two characters"),
        pytest.param("张三丰", "张**", id="three characters"),
        pytest.param("李", "*", id="one character is hidden whole"),
        pytest.param("欧阳锋", "欧阳*", id="compound surname"),
        pytest.param("欧阳娜娜", "欧阳**", id="compound surname of four"),
        pytest.param("欧阳", "欧*", id="compound surname alone keeps one"),
        pytest.param("諸葛亮", "諸葛*", id="traditional compound surname"),
        pytest.param("阿卜杜拉·买买提", "阿***", id="dot is hidden and length capped"),
        pytest.param("诸葛孔明亮", "诸***", id="five characters keep one"),
        pytest.param("张\u3000三", "张*", id="full-width space dropped"),
        pytest.param("𠮷野家", "𠮷**", id="four-byte character counts as one"),
        pytest.param("", "", id="empty stays empty"),
        pytest.param("  ", None, id="blank"),
        pytest.param("Bob", None, id="latin letters"),
        pytest.param("张3", None, id="digit"),
        pytest.param("张*", None, id="masked before"),
        pytest.param("😀三", None, id="emoji"),
        pytest.param("·三", None, id="begins with the dot"),
    ],
)
def test_chinese_names(value: str, shown: str | None) -> None:
    assert masked("chinese_name", value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("110101199003071234", "11" + "*" * 16, id="18 digits"),
        pytest.param("11010119900307123x", "11" + "*" * 16, id="small x"),
        pytest.param("１１０１０１１９９００３０７１２３Ｘ", "11" + "*" * 16, id="full-width"),
        pytest.param("110101 19900307 1234", "11" + "*" * 16, id="spaces"),
        pytest.param("110101900307123", "11" + "*" * 13, id="15 digits of the old form"),
        pytest.param("", "", id="empty stays empty"),
        pytest.param(" - ", None, id="only separators"),
        pytest.param("1101011990030712", None, id="16 digits"),
        pytest.param("X10101199003071234", None, id="X in front"),
        pytest.param("1101011990030712XX", None, id="two X"),
        pytest.param("11010190030712X", None, id="X in the old form"),
        pytest.param("11010119900307😀23", None, id="emoji for a digit"),
        pytest.param("١١٠١٠١١٩٩٠٠٣٠٧١٢٣٤", None, id="digits of another script"),
    ],
)
def test_resident_ids(value: str, shown: str | None) -> None:
    assert masked("resident_id", value) == shown


def test_the_last_x_is_shown_as_a_capital_when_the_policy_keeps_it() -> None:
    shown = masked("resident_id", "11010119900307123x", keep_first=0, keep_last=4)
    assert shown == "*" * 14 + "123X"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("13812345678", "138******78", id="mobile"),
        pytest.param("+86 138-1234-5678", "138******78", id="country code and separators"),
        pytest.param("008613812345678", "138******78", id="00 country code"),
        pytest.param("8613812345678", "138******78", id="country code without plus"),
        pytest.param("１３８１２３４５６７８", "138******78", id="full-width"),
        pytest.param("(010)12345678", "010******78", id="fixed line"),
        pytest.param("0571-8765432", "057******32", id="seven-digit fixed line"),
        pytest.param("", "", id="empty stays empty"),
        pytest.param("12812345678", None, id="no such mobile range"),
        pytest.param("1381234567", None, id="ten digits"),
        pytest.param("138123456789", None, id="twelve digits"),
        pytest.param("12345678", None, id="fixed line without area code"),
        pytest.param("010-12345678-101", None, id="extension"),
        pytest.param("+14155551234", None, id="another country"),
        pytest.param("138😀2345678", None, id="emoji for a digit"),
        pytest.param("+", None, id="plus alone"),
        pytest.param("138****5678", None, id="masked before"),
    ],
)
def test_phones(value: str, shown: str | None) -> None:
    assert masked("phone", value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("6222021234567890123", "***************0123", id="19 digits"),
        pytest.param("6222 0212 3456 7890", "************7890", id="spaces"),
        pytest.param("", "", id="empty stays empty"),
        pytest.param("622202123456", None, id="12 digits"),
        pytest.param("62220212345678901234", None, id="20 digits"),
        pytest.param("6222o21234567890", None, id="letter o"),
    ],
)
def test_bank_cards(value: str, shown: str | None) -> None:
    assert masked("bank_card", value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("alice@example.com", "a***@example.com", id="usual"),
        pytest.param("a@b.cn", "***@b.cn", id="one-letter local part is hidden whole"),
        pytest.param(" bob@X.com ", "b***@x.com", id="trimmed, domain in small letters"),
        pytest.param("a+tag@x.com", "a***@x.com", id="tag is hidden"),
        pytest.param("", "", id="empty stays empty"),
        pytest.param("@x.com", None, id="empty local part"),
        pytest.param("a@", None, id="empty domain"),
        pytest.param("a@b", None, id="domain without a dot"),
        pytest.param("a..b@x.com", None, id="two dots"),
        pytest.param("a@-b.com", None, id="label begins with a hyphen"),
        pytest.param("a@b@c.com", None, id="two at signs"),
        pytest.param("a＠b.com", None, id="full-width at sign"),
        pytest.param("张三@x.com", None, id="name as local part"),
        pytest.param("a😀@x.com", None, id="emoji"),
        pytest.param("bob@x.com\nal@y.com", None, id="second line"),
        pytest.param("bob@x.com\n", None, id="line feed at the end"),
    ],
)
def test_emails(value: str, shown: str | None) -> None:
    assert masked("email", value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("北京市海淀区中关村大街1号", "北京市海淀区***", id="municipality"),
        pytest.param("浙江省杭州市西湖区解放路1号", "浙江省杭州市西湖区***", id="three levels"),
        pytest.param(
            "广西壮族自治区桂林市阳朔县城关", "广西壮族自治区桂林市阳朔县***", id="region"
        ),
        pytest.param(
            "新疆维吾尔自治区喀什地区疏附县", "新疆维吾尔自治区喀什地区疏附县***", id="地区"
        ),
        pytest.param(
            "内蒙古自治区锡林郭勒盟正镶白旗", "内蒙古自治区锡林郭勒盟正镶白旗***", id="盟旗"
        ),
        pytest.param("江苏省苏州市昆山市玉山镇", "江苏省苏州市昆山市***", id="city of county rank"),
        pytest.param(
            "大连市沙河口区", "大连市沙河口区***", id="known city with a breaking character"
        ),
        pytest.param("海淀区上地信息市场", "海淀区***", id="market is no city"),
        pytest.param("上海市幸福小区3号", "上海市***", id="estate is no district"),
        pytest.param("杭州市幸福家园东区", "杭州市***", id="part of an estate is no district"),
        pytest.param("北京市刘建国别墅区", "北京市***", id="villas are no district"),
        pytest.param("北京市海淀区", "北京市海淀区***", id="region alone gets signs too"),
        pytest.param("北京", "北京***", id="province name alone"),
        pytest.param("\u3000上海市浦东新区 ", "上海市浦东新区***", id="trimmed"),
        pytest.param("", "", id="empty stays empty"),
        pytest.param("中山路1号", None, id="no region"),
        pytest.param("区", None, id="only an ending"),
        pytest.param("No. 1 Main St", None, id="other script"),
        pytest.param("😀北京市", None, id="emoji in front"),
        pytest.param("100080北京市", None, id="postal code in front"),
        pytest.param("张三", None, id="a name"),
    ],
)
def test_addresses(value: str, shown: str | None) -> None:
    assert masked("address", value) == shown


def test_addresses_that_repeat_are_masked_each_in_its_place() -> None:
    lines = [None, "北京市海淀区中关村1号", "No. 1", "", "杭州市西湖区", "北京市海淀区中关村1号"]
    wanted = [None, "北京市海淀区***", None, "", "杭州市西湖区***", "北京市海淀区***"]
    transform = build(MaskForm(form="address"), source_type=pa.string())
    done = transform.apply(pa.array([*lines, *lines[::-1]]).slice(2))
    assert done.column.to_pylist() == [*wanted, *wanted[::-1]][2:]
    assert done.unhandled is not None
    assert [i for i, bad in enumerate(done.unhandled.to_pylist()) if bad] == [0, 7]


@pytest.mark.parametrize("form", ["chinese_name", "email", "address"])
def test_forms_without_counts_refuse_them(form: Form) -> None:
    with pytest.raises(ValueError, match="keeps at most 0"):
        MaskForm(form=form, keep_first=1)


def test_a_bank_card_never_keeps_more_than_pci_dss_allows() -> None:
    with pytest.raises(ValueError, match="at most 6 first and 4 last"):
        MaskForm(form="bank_card", keep_first=7)


def test_whole_numbers_are_read_by_their_digits() -> None:
    transform = build(MaskForm(form="phone"), source_type=pa.int64())
    assert transform.apply(pa.array([13812345678])).column.to_pylist() == ["138******78"]


def test_text_that_is_not_utf8_stops_without_showing_it() -> None:
    from gateway.errors import TransformFailed

    offsets, data = pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")
    broken = pa.Array.from_buffers(pa.string(), 1, [None, offsets, data])
    with pytest.raises(TransformFailed) as caught:
        build(MaskForm(form="chinese_name"), source_type=pa.string()).apply(broken)
    assert "UTF-8" in caught.value.message
    assert caught.value.__cause__ is None


_ADDRESS_PIECES = [
    *("北京", "河北省", "广西壮族自治区", "大连市", "石家庄市", "门头沟区", "延边州", "地区", "区"),
    *("安平县", "建设路", "市", "大", "12号", "A座", " ", "　", "１", "旗", "é", "𠮷", "张"),
]
_MAIL_PIECES = ["a", "Zh", "7", ".", "..", "-", "_", "@", "@", "example", ".COM", "é", " ", "+x"]


@given(st.lists(st.none() | st.lists(st.sampled_from(_ADDRESS_PIECES), max_size=8).map("".join)))
def test_an_address_is_masked_by_what_stands_before_its_first_ascii_character(
    values: list[str | None],
) -> None:
    trimmed = pc.utf8_trim(pa.array(values, pa.string()), " \u3000")
    whole, regions = mask_address(Characters.of(trimmed), ord("*"), 3)
    front, same = mask_address(Characters.of(before_ascii(trimmed)), ord("*"), 3)
    assert front.column().to_pylist() == whole.column().to_pylist()
    assert same.tolist() == regions.tolist()


@given(
    st.lists(st.none() | st.lists(st.sampled_from(_MAIL_PIECES), max_size=9).map("".join)),
    st.sampled_from(["*", "＊"]),
)
def test_mails_of_a_column_are_masked_as_each_alone(values: list[str | None], sign: str) -> None:
    transform = build(MaskForm(form="email", character=sign), source_type=pa.string())
    column = pa.concat_arrays([pa.array(["x@y.zz"]), pa.array(values, pa.string())])[1:]
    expected = [value and masked_mail(value.strip(" "), sign) for value in values]
    assert transform.apply(column).column.to_pylist() == expected


def masked_mail(value: str, sign: str) -> str | None:
    """Said once more, for one value at a time."""
    local, _, domain = value.partition("@")
    atoms = all(re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", atom) for atom in local.split("."))
    labels = domain.split(".")
    named = all(re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)", label) for label in labels)
    if not (atoms and named and len(labels) > 1):
        return None
    return f"{local[0] if len(local) > 1 else ''}{sign * 3}@{domain.lower()}"
