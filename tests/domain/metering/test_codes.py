"""Codes of metering points: patterns, and what counts when they are compared."""

import pytest

from domain.kernel.errors import InvalidValue
from domain.metering.codes import FORMS, compared, normalised
from domain.metering.tables import CodeKind

LU, AT = "LU" + "0" * 30 + "7", "AT" + "0" * 30 + "A"


@pytest.mark.parametrize(
    ("kind", "text", "kept"),
    [
        (CodeKind.IT_POD, "IT001E12345678", "IT001E12345678"),
        (CodeKind.IT_POD, " it 001 e 1234 5678 9 ", "IT001E12345678"),
        (CodeKind.LU_POD, LU.lower(), LU),
        (CodeKind.AT_METERING_POINT, AT, AT),
        (CodeKind.GENERIC, " home-1.a_B ", "home-1.a_B"),
    ],
)
def test_codes_are_kept_in_one_form(kind: CodeKind, text: str, kept: str) -> None:
    assert normalised(kind, text) == kept
    assert compared(text) == kept


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (CodeKind.IT_POD, "IT001E1234567"),
        (CodeKind.IT_POD, "IT001E1234567890"),
        (CodeKind.IT_POD, "IT001X12345678"),
        (CodeKind.IT_POD, "IT٠٠١E12345678"),
        (CodeKind.LU_POD, LU[:-1]),
        (CodeKind.LU_POD, AT),
        (CodeKind.AT_METERING_POINT, AT + "0"),
        (CodeKind.GENERIC, "ab"),
        (CodeKind.GENERIC, "a" * 41),
        (CodeKind.GENERIC, "a b c"),
        (CodeKind.GENERIC, "a\x00bc"),
        (CodeKind.GENERIC, "IT001E12345678"),
        (CodeKind.GENERIC, LU),
    ],
)
def test_other_codes_are_refused(kind: CodeKind, text: str) -> None:
    with pytest.raises(InvalidValue):
        normalised(kind, text)


@pytest.mark.parametrize("kind", FORMS)
def test_examples_follow_their_pattern(kind: CodeKind) -> None:
    assert normalised(kind, FORMS[kind].example) == FORMS[kind].example
