"""The application refuses what it could not serve safely."""

import hashlib
import json
from pathlib import Path

import pytest

from api.app import trusted_documents


def test_trusted_documents_are_named_by_their_digest(tmp_path: Path) -> None:
    text = "{ __typename }"
    digest = hashlib.sha256(text.encode()).hexdigest()
    file = tmp_path / "documents.json"
    file.write_text(json.dumps({digest: text}))

    assert trusted_documents(file) == {digest: text}
    assert trusted_documents(None) == {}


def test_a_document_under_another_digest_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "documents.json"
    file.write_text(json.dumps({"0" * 64: "{ __typename }"}))

    with pytest.raises(ValueError, match="is not the SHA-256"):
        trusted_documents(file)
