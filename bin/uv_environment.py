"""Tells uv what pip is configured with: reads `pip config list`, writes NAME=value lines.

uv does not read pip.conf, so a machine whose mirror or certificate is named there would be missed.
Directories that do not exist are left out, because uv, unlike pip, refuses to start on them.
"""

import ast
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

UV_NAME_OF_SETTING = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "HTTPS_PROXY",
}
SEPARATOR = {"UV_FIND_LINKS": ","}
# pip: the environment wins over the section of a command, that over [global].
SECTIONS = ("global", "install", ":env:")


def pip_settings(lines: Iterable[str]) -> dict[str, str]:
    """Setting name to value, of lines such as `global.index-url='https://...'`."""
    found: dict[tuple[str, int], str] = {}
    for line in lines:
        name, _, value = line.strip().partition("=")
        section, _, setting = name.rpartition(".")
        if section in SECTIONS and value:
            found[setting, SECTIONS.index(section)] = str(ast.literal_eval(value))
    return {setting: value for (setting, _), value in sorted(found.items())}


def _exists(location: str) -> bool:
    parts = urlsplit(location)
    if parts.scheme in ("http", "https"):
        return True
    return Path(unquote(parts.path) if parts.scheme == "file" else location).exists()


def uv_environment(settings: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Environment variables for uv, those already set left alone."""
    for setting, variable in UV_NAME_OF_SETTING.items():
        values = settings.get(setting, "").split()
        if setting not in ("trusted-host", "proxy"):
            values = [value for value in values if _exists(value)]
        if values and variable not in os.environ:
            yield variable, SEPARATOR.get(variable, " ").join(values)
    if "UV_INDEX_STRATEGY" not in os.environ:
        yield "UV_INDEX_STRATEGY", "unsafe-best-match"  # As pip does; the hashes say which file is right.


if __name__ == "__main__":
    for name, text in uv_environment(pip_settings(sys.stdin)):
        print(f"{name}={text}")
