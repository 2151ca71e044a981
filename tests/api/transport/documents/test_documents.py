"""Limits, cost and validation of documents, without a server."""

import time

import pytest
from graphql import get_introspection_query, parse, specified_rules
from hypothesis import given
from hypothesis import strategies as st

from api.transport.documents.documents import Document, Documents, InvalidDocument, hash_of
from api.transport.limits import costs, limits
from api.transport.limits.limits import Analysis, analyse
from api.transport.terms.errors import BadUserInput, CodedError, ErrorCode, Forbidden
from api.transport.terms.settings import DocumentLimits, TransportSettings
from tests.api.transport.small_schema import schema

SCHEMA = schema._schema
LIMITS = DocumentLimits()


def analysis_of(text: str) -> Analysis:
    return next(iter(analyse(SCHEMA, parse(text), LIMITS).values()))


def nodes_of(text: str, variables: dict[str, object] | None = None) -> int:
    analysis = analysis_of(text)
    sizes = costs.sizes_of_variables(analysis.operation, analysis.size_variables, variables or {})
    return costs.node_count(analysis.pages, sizes, LIMITS.page_size)


def nested(depth: int, inside: str = "id") -> str:
    text = inside
    for _ in range(depth):
        text = f"houses {{ edges {{ node {{ {text} }} }} }}"
    return "{ " + text + " }"


def doubling(levels: int) -> str:
    fragments = " ".join(f"fragment F{at} on House {{ ...F{at + 1} ...F{at + 1} }}" for at in range(levels))
    return f"query {{ node(id: 1) {{ ...F0 }} }} {fragments} fragment F{levels} on House {{ id }}"


def clique(size: int) -> str:
    spreads = " ".join(f"...F{at}" for at in range(size))
    return f"{{ node(id: 1) {{ {spreads} }} }} " + " ".join(
        f"fragment F{at} on House {{ id {spreads} }}" for at in range(size)
    )


REFUSED = {
    "21 root selections": ("{" + " ".join("hello" for _ in range(21)) + "}", ErrorCode.QUERY_TOO_COMPLEX, 20, 21),
    "31 aliases": (
        "{ node(id: 1) {" + " ".join(f"a{at}: id" for at in range(31)) + "} }",
        ErrorCode.QUERY_TOO_COMPLEX, 30, 31,
    ),
    "11 directives": ("{ hello " + "@include(if: true) " * 11 + "}", ErrorCode.TOO_MANY_DIRECTIVES, 10, 11),
    "13 levels": (nested(4), ErrorCode.QUERY_TOO_DEEP, 12, 13),
    "501 fields": (
        "{ node(id: 1) { ... on House {" + " ".join(f"field{at}" for at in range(500)) + "} } }",
        ErrorCode.QUERY_TOO_COMPLEX, 500, 501,
    ),
    "22 levels of doubling fragments": (doubling(22), ErrorCode.QUERY_TOO_COMPLEX, 4000, None),
    "a clique of fragments": (clique(12), ErrorCode.QUERY_TOO_COMPLEX, 4000, None),
    "many fields of one name": ("{ node(id: 1) {" + "id " * 120 + "} }", ErrorCode.QUERY_TOO_COMPLEX, 4000, None),
    "many fields of one name in a fragment nobody uses": (
        "{ hello } fragment F on House {" + "id " * 120 + "}",
        ErrorCode.QUERY_TOO_COMPLEX, 4000, None,
    ),
    "one name below one name": (
        "{ " + " ".join("node(id: 1) {" + "id " * 20 + "}" for _ in range(15)) + "}",
        ErrorCode.QUERY_TOO_COMPLEX, 4000, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_a_document_that_asks_for_too_much_within_milliseconds(name: str) -> None:
    text, code, limit, value = REFUSED[name]
    document = parse(text)

    started = time.perf_counter()
    with pytest.raises(CodedError) as refused:
        analyse(SCHEMA, document, LIMITS)

    assert time.perf_counter() - started < 0.25
    assert refused.value.code is code
    assert refused.value.extensions["limit"] == limit
    assert refused.value.extensions["value"] > limit
    assert value in {None, refused.value.extensions["value"]}


def test_the_bomb_of_809_bytes_is_within_the_token_limit_and_refused() -> None:
    text = doubling(20).replace("House", "H")

    assert len(text) < 809
    with pytest.raises(CodedError):
        analyse(SCHEMA, parse(text, max_tokens=LIMITS.tokens), LIMITS)


@pytest.mark.parametrize(
    "text",
    [
        "{" + " ".join("hello" for _ in range(20)) + "}",
        "{ node(id: 1) {" + " ".join(f"a{at}: id" for at in range(30)) + "} }",
        "{ hello " + "@include(if: true) " * 10 + "}",
        nested(3, "houses { edges { cursor } }"),
        get_introspection_query(
            specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
        ),
    ],
)
def test_lets_a_document_at_its_limits_pass(text: str) -> None:
    assert analysis_of(text).root_fields


@pytest.mark.parametrize(
    ("text", "variables", "nodes"),
    [
        ("{ hello }", {}, 0),
        ("{ houses { edges { node { id } } } }", {}, 25),
        ("{ houses(first: 7) { edges { cursor } } }", {}, 7),
        ("{ houses(last: 7) { edges { cursor } } }", {}, 7),
        ("{ houses(first: null) { edges { cursor } } }", {}, 25),
        ("query($n: Int) { houses(first: $n) { edges { cursor } } }", {}, 25),
        ("query($n: Int) { houses(first: $n) { edges { cursor } } }", {"n": 4}, 4),
        ("query($n: Int = 9) { houses(first: $n) { edges { cursor } } }", {}, 9),
        ("query($n: Int = 9) { houses(first: $n) { edges { cursor } } }", {"n": None}, 25),
        ("query($n: Int) { houses(first: $n) { edges { cursor } } }", {"n": "many"}, 25),
        ("query($n: Int) { houses(first: $n) { edges { cursor } } }", {"n": -4}, 0),
        ("query($n: Int) { houses(first: $n) { edges { cursor } } }", {"n": True}, 25),
        ("{ houses(first: 10) { edges { node { houses(first: 3) { edges { cursor } } } } } }", {}, 40),
        ("query($n: Int) { houses(first: $n) { edges { node { houses(first: $n) { pageInfo { endCursor } } } } } }",
         {"n": 6}, 42),
        ("{ a: houses(first: 2) { edges { ...E } } b: houses(first: 5) { edges { ...E } } } "
         "fragment E on HouseEdge { node { houses(first: 10) { edges { cursor } } } }", {}, 2 + 20 + 5 + 50),
        ("{ houses(first: 99999999999999999999999) { edges { cursor } } }", {}, costs.UNBOUNDED),
    ],
)  # fmt: skip
def test_counts_nodes_by_multiplying_page_sizes(text: str, variables: dict[str, object], nodes: int) -> None:
    assert nodes_of(text, variables) == nodes


@given(st.lists(st.integers(0, 60), min_size=1, max_size=3))
def test_nested_pages_multiply_whether_written_or_given(sizes: list[int]) -> None:
    written, given_, expected, product = "id", "id", 0, 1
    for at, size in reversed(list(enumerate(sizes))):
        written = f"houses(first: {size}) {{ edges {{ node {{ {written} }} }} }}"
        given_ = f"houses(first: $v{at}) {{ edges {{ node {{ {given_} }} }} }}"
    for size in sizes:
        product *= size
        expected += product
    declared = " ".join(f"$v{at}: Int" for at in range(len(sizes)))

    assert nodes_of("{ " + written + " }") == expected
    assert nodes_of(f"query({declared}) {{ {given_} }}", {f"v{at}": size for at, size in enumerate(sizes)}) == expected


def documents() -> Documents:
    return Documents(SCHEMA, TransportSettings(documents_cached=3), {})


def check(kept: Documents, text: str) -> Document:
    return kept.check(text, parse(text), tuple(specified_rules))


def test_keeps_valid_documents_only_and_forgets_the_one_unused_for_longest() -> None:
    kept = documents()
    texts = [f"query Q{at} {{ hello }}" for at in range(4)]

    for text in texts[:3]:
        check(kept, text)
    assert kept.known(texts[0]) is not None
    check(kept, texts[3])
    with pytest.raises(InvalidDocument):
        check(kept, "{ nothing }")

    assert list(kept.valid) == [texts[2], texts[0], texts[3]]


def test_does_not_keep_long_texts() -> None:
    kept = documents()

    check(kept, "{ hello }" + " " * 20_000)

    assert not kept.valid


def test_strict_mode_takes_only_trusted_texts() -> None:
    text = "{ hello }"
    strict = Documents(SCHEMA, TransportSettings(trusted_documents_only=True), {hash_of(text): text})

    check(strict, text)
    with pytest.raises(Forbidden):
        check(strict, "{ hello  }")


def test_a_document_of_several_operations_needs_a_choice() -> None:
    kept = documents()
    text = "query A { hello } query B { hello }"
    document = check(kept, text)

    with pytest.raises(BadUserInput):
        document.analysis(None)
    assert document.analysis("B").operation.name.value == "B"  # type: ignore[union-attr]


def test_limits_name_what_was_counted() -> None:
    with pytest.raises(CodedError, match="11 directives; at most 10"):
        limits.analyse(SCHEMA, parse("{ hello " + "@skip(if: false) " * 11 + "}"), LIMITS)
