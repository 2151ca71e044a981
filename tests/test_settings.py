"""The documented settings are the settings."""

import re
from pathlib import Path

from api.resources.settings import Settings, variable_of

DOCUMENT = Path(__file__).parent.parent / "docs" / "settings.md"


def documented() -> dict[str, str]:
    """Description by environment variable."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| .*? \| (.*?) \|$", DOCUMENT.read_text(), flags=re.MULTILINE)
    return dict(rows)


def test_every_setting_is_documented_as_it_is() -> None:
    settings = {variable_of(name): field.description for name, field in Settings.model_fields.items()}

    assert documented() == settings
