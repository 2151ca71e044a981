"""From a book to the solver's `question`, and from its `answer` to what a clearing records."""

from api.market.clearing.bridge.answer import outcome_of
from api.market.clearing.bridge.question import classed_of, deliveries_of, links_of, problem_of, sent_wh
from domain.market.clearing.book import Book
from domain.market.clearing.clearings import ClearingOutcome
from solver.market.clearing.clearing import clear


def clear_book(book: Book) -> ClearingOutcome:
    """Clear a book: who trades with whom at what prices, and the prices of all markets and intervals that have one."""
    classed = classed_of(book)
    return outcome_of(book, deliveries_of(book), classed, clear(classed.problem))


__all__ = ["classed_of", "clear_book", "deliveries_of", "links_of", "outcome_of", "problem_of", "sent_wh"]
