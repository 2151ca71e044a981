"""Names and descriptions that people give."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.kernel.errors import InvalidValue

NAME_MAX, DESCRIPTION_MAX = 120, 2_000


def checked_name(text: str, *path: str) -> str:
    """The name without blanks around it. Raises InvalidValue."""
    name = text.strip()
    if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
        raise InvalidValue(path, f"A name has 1 to {NAME_MAX} characters, none of them a control character.")
    return name


def checked_description(text: str | None, *path: str) -> str | None:
    """The description without blanks around it, None where nothing is left. Raises InvalidValue."""
    description = (text or "").strip()
    if len(description) > DESCRIPTION_MAX or not all(c.isprintable() or c in "\r\n\t" for c in description):
        raise InvalidValue(path, f"A description has at most {DESCRIPTION_MAX} characters, none a control character.")
    return description or None


def checked_timezone(name: str, *path: str) -> str:
    """The name of an IANA zone. Raises InvalidValue."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidValue(path, "This is not an IANA time zone, such as Europe/Rome.") from error
    return name
