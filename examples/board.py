"""A board of cards that everybody sees change: Google Firestore, on Google's own client.

    FIRESTORE_EMULATOR_HOST=127.0.0.1:4566 python -m examples.board BOARD NAME

Whoever looks at a board listens to its cards and is told of each change, their own included. A column has room for
so many cards: a transaction holds that, whoever else is moving cards meanwhile.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from google.cloud import firestore
from google.cloud.firestore import FieldFilter

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = "board"
ROOM = {"to do": 100, "doing": 3, "done": 1_000}


class FullColumnError(Exception):
    """A column has no room for one more card."""


class Card(NamedTuple):
    """A card as it is shown."""

    text: str
    column: str
    votes: int


class Board:
    """Somebody's view of a board; `show(cards)` is called with all cards, the oldest first, when any has changed."""

    def __init__(self, name: str, show: Callable[[list[Card]], Any] = list, project: str = PROJECT) -> None:
        self._show = show
        self._db = firestore.Client(project=project)
        self._cards = self._db.collection("boards").document(name).collection("cards")
        self._watch = self._cards.order_by("created").on_snapshot(self._take)

    def add(self, text: str) -> str:
        """Add a card to those to do; returns its id."""
        card = {"text": text, "column": "to do", "votes": 0, "created": firestore.SERVER_TIMESTAMP}
        _, made = self._cards.add(card)
        return str(made.id)

    def move(self, card: str, column: str) -> None:
        """Move a card to a column; raises `FullColumnError`."""
        _move(self._db.transaction(), self._cards, card, column)

    def vote(self, card: str) -> None:
        """Vote for a card. Votes are added up where they are kept, so that none is lost."""
        self._cards.document(card).update({"votes": firestore.Increment(1)})

    def remove(self, card: str) -> None:
        """Take a card off the board."""
        self._cards.document(card).delete()

    def leave(self) -> None:
        """Look no longer."""
        self._watch.unsubscribe()
        self._db.close()

    def _take(self, documents: Any, _changes: Any, _read_time: Any) -> None:
        self._show([Card(each.get("text"), each.get("column"), each.get("votes")) for each in documents])


@firestore.transactional
def _move(transaction: Any, cards: Any, card: str, column: str) -> None:
    there = cards.where(filter=FieldFilter("column", "==", column)).get(transaction=transaction)
    others = [each for each in there if each.id != card]
    if len(others) >= ROOM[column]:
        raise FullColumnError(column)
    transaction.update(cards.document(card), {"column": column})


def draw(cards: list[Card]) -> None:
    """Print a board."""
    for column in ROOM:
        texts = [f"{card.text} (+{card.votes})" for card in cards if card.column == column]
        print(f"{column:>6}: {', '.join(texts)}")
    print()


def main() -> None:
    name, who = sys.argv[1:3]
    board = Board(name, draw)
    print("Each line is a card. Ctrl-D leaves the board.")
    for line in sys.stdin:
        board.vote(board.add(f"{line.strip()}, says {who}"))
    board.leave()


if __name__ == "__main__":
    main()
