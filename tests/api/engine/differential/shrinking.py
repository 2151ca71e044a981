"""Makes a failing document smaller: what does not matter for the failure is taken out, a piece at a time."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from graphql import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)

ATTEMPTS_MAX = 300

StillFails = Callable[[str], Awaitable[bool]]


async def smallest(schema: GraphQLSchema, text: str, still_fails: StillFails) -> str:
    """A document without any selection, argument or directive that the failure does without; greedy and bounded."""
    attempts = 0
    made_smaller = True
    while made_smaller and attempts < ATTEMPTS_MAX:
        made_smaller = False
        for smaller in _smaller(parse(text)):
            attempts += 1
            if attempts > ATTEMPTS_MAX:
                break
            if not validate(schema, parse(smaller)) and await still_fails(smaller):
                text, made_smaller = smaller, True
                break
    return text


def _smaller(document: DocumentNode) -> Iterator[str]:
    """The document with one piece less, the largest pieces first."""
    for piece in sorted(_pieces(document), key=lambda node: -len(print_ast(node))):
        yield print_ast(_without_unused(_without(document, [piece])))


def _pieces(document: DocumentNode) -> Iterator[Node]:
    """Selections that have siblings, arguments, fields of input objects, directives."""
    for node in _all(document):
        if isinstance(node, SelectionSetNode) and len(node.selections) > 1:
            yield from node.selections
        if isinstance(node, ArgumentNode | ObjectFieldNode | DirectiveNode):
            yield node


def _all(root: Node | Iterable[Node]) -> list[Node]:
    found: list[Node] = []

    class Every(Visitor):
        def enter(self, node: Node, *_: Any) -> None:
            found.append(node)

    for node in [root] if isinstance(root, Node) else root:
        visit(node, Every())
    return found


def _without(document: DocumentNode, pieces: Iterable[Node]) -> DocumentNode:
    removed = {id(piece) for piece in pieces}

    class Removing(Visitor):
        def enter(self, node: Node, *_: Any) -> Any:
            return REMOVE if id(node) in removed else None

    smaller: DocumentNode = visit(document, Removing())
    return smaller


def _without_unused(document: DocumentNode) -> DocumentNode:
    """Without fragments and variables that nothing names any more."""
    while True:
        every = _all(document)
        spread = {node.name.value for node in every if isinstance(node, FragmentSpreadNode)}
        fragments = [node for node in every if isinstance(node, FragmentDefinitionNode)]
        unused = [node for node in fragments if node.name.value not in spread]
        if not unused:
            break
        document = _without(document, unused)
    used = _used_variables(document)
    definitions = [node for node in _all(document) if isinstance(node, VariableDefinitionNode)]
    return _without(document, [node for node in definitions if node.variable.name.value not in used])


def _used_variables(document: DocumentNode) -> set[str]:
    found: set[str] = set()
    for definition in document.definitions:
        assert isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode)
        parts = [definition.selection_set, *(definition.directives or ())]
        found |= {node.name.value for node in _all(parts) if isinstance(node, VariableNode)}
    return found
