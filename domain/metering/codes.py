"""Codes of metering points: a pattern for each country, and the form in which codes are kept and compared.

| kind | pattern | kept as |
|---|---|---|
| IT_POD | IT, distributor (3 digits), E, 8 digits, optional control digit | the first 14 characters |
| LU_POD | LU and 31 letters or digits | as it is |
| AT_METERING_POINT | AT and 31 letters or digits | as it is |
| GENERIC | 3 to 40 letters, digits, dots, dashes, underscores | as it is, upper and lower case differ |

PODs are compared on 14 characters because the control digit may be left out (e-distribuzione).
National codes are upper-cased and lose their blanks. No check digit is verified: none is published. A code of a
national form is never GENERIC, so that a code alone tells how it is compared.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from domain.kernel.errors import InvalidValue
from domain.metering.tables import CodeKind


@dataclass(frozen=True, slots=True)
class CodeForm:
    """How codes of a kind look; `kept` characters count."""

    pattern: re.Pattern[str]
    kept: int
    example: str


FORMS: Mapping[CodeKind, CodeForm] = MappingProxyType(
    {
        CodeKind.IT_POD: CodeForm(re.compile(r"IT[0-9]{3}E[0-9]{8}[0-9]?"), 14, "IT001E12345678"),
        CodeKind.LU_POD: CodeForm(re.compile(r"LU[0-9A-Z]{31}"), 33, "LU0000010637000000000000070232780"),
        CodeKind.AT_METERING_POINT: CodeForm(re.compile(r"AT[0-9A-Z]{31}"), 33, "AT0010000000000000001000000000001"),
    }
)
GENERIC = re.compile(r"[A-Za-z0-9._-]{3,40}")
_BLANKS = re.compile(r"\s+")


def compared(text: str) -> str:
    """The form in which a code is looked up: of its national kind where it looks like one, else as it is."""
    compact = _BLANKS.sub("", text).upper()
    for form in FORMS.values():
        if form.pattern.fullmatch(compact):
            return compact[: form.kept]
    return text.strip()


def normalised(kind: CodeKind, text: str) -> str:
    """The form in which a code is kept. Raises InvalidValue at `code`."""
    code = compared(text)
    if kind in FORMS:
        form = FORMS[kind]
        if not form.pattern.fullmatch(_BLANKS.sub("", text).upper()):
            raise InvalidValue(("code",), f"This is not a code of kind {kind.value}, such as {form.example}.")
        return code
    if not GENERIC.fullmatch(code):
        raise InvalidValue(("code",), "A code has 3 to 40 letters, digits, dots, dashes and underscores.")
    for national, form in FORMS.items():
        if form.pattern.fullmatch(code):
            raise InvalidValue(("codeKind",), f"This is a code of kind {national.value}.")
    return code
