"""What holds for every operator that cuts text: a test class that inherits from `CuttingLaws` shows it for one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import reactivex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reactivex import operators as rx
from reactivex.subject import Subject
from scripted_origin import Seen

from rxllm.items import Logprobs, Ping, Rollback, Started, StreamItem, TextDelta, Usage, joined, part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rxllm.observable import Operator

SHARED = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.differing_executors],  # each operator's class runs the same laws
)
PLACELESS = [Ping(), Usage(1), Logprobs([])]


def through(operator: Operator, items: Iterable[StreamItem]) -> list[Any]:
    """Everything that comes of these items."""
    return reactivex.from_iterable(items).pipe(operator, rx.to_list()).run()


def merged(items: Iterable[Any]) -> list[Any]:
    """The same items with adjacent deltas of one part in one, and none that is empty."""
    found: list[Any] = []
    for item in items:
        key = part(item)
        if key is not None and not item.text:
            continue
        if key is not None and found and part(found[-1]) == key:
            found[-1] = joined([found[-1], item])
        else:
            found.append(item)
    return found


def text_of(items: Iterable[Any]) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


def cut(text: str, lengths: Iterable[int]) -> list[StreamItem]:
    """The text in pieces of these lengths, and the rest in one."""
    pieces: list[StreamItem] = []
    for length in lengths:
        pieces.append(TextDelta(text[:length]))
        text = text[length:]
    return [*pieces, TextDelta(text)]


LENGTHS = st.lists(st.integers(0, 6), max_size=40)


class CuttingLaws:
    """Give `operator`, the `alphabet` of its texts, whether it keeps the text, and whether it re-cuts it."""

    operator: Operator
    alphabet: tuple[str, ...]
    keeps_text = True
    recuts = False  # its deltas are the same for every cutting, not only the text between the other items
    piece = "word "  # what does not end anything, again and again

    @property
    def of_class(self) -> Operator:
        return type(self).__dict__["operator"]

    def draw(self, data: st.DataObject) -> str:
        return "".join(data.draw(st.lists(st.sampled_from(self.alphabet), max_size=25)))

    def normal(self, items: list[Any]) -> list[Any]:
        return items if self.recuts else merged(items)

    @SHARED
    @given(st.data(), LENGTHS)
    def test_every_cutting_of_a_text_gives_the_same(self, data, lengths):
        text = self.draw(data)
        whole = self.normal(through(self.of_class, [TextDelta(text)]))
        assert self.normal(through(self.of_class, cut(text, lengths))) == whole
        assert self.normal(through(self.of_class, map(TextDelta, text))) == whole
        if self.keeps_text:
            assert text_of(whole) == text

    @SHARED
    @given(st.data(), LENGTHS)
    def test_a_rollback_anywhere_leaves_nothing_of_the_void_attempt(self, data, lengths):
        void, text = self.draw(data), self.draw(data)
        living = [Started("2"), *cut(text, lengths)]
        came = through(self.of_class, [Started("1"), *cut(void, lengths)[:-1], Rollback(1), *living])
        after = came[came.index(Rollback(1)) + 1 :]
        assert self.normal(after) == self.normal(through(self.of_class, living))

    @SHARED
    @given(st.data(), LENGTHS)
    def test_what_has_no_place_in_the_text_cuts_nothing(self, data, lengths):
        text = self.draw(data)
        pieces = cut(text, lengths)
        among = [item for piece in pieces for item in (piece, *PLACELESS)]
        kept = [item for item in through(self.of_class, among) if item not in PLACELESS]
        assert self.normal(kept) == self.normal(through(self.of_class, pieces))

    @SHARED
    @given(st.data(), LENGTHS)
    def test_two_choices_that_alternate_do_not_disturb_each_other(self, data, lengths):
        text = self.draw(data)
        pieces = cut(text, lengths)
        both = [item for piece in pieces for item in (piece, TextDelta(piece.text, choice=1))]
        came = through(self.of_class, both)
        for choice in (0, 1):
            own = [TextDelta(piece.text, choice) for piece in pieces]
            assert self.normal([i for i in came if i.choice == choice]) == self.normal(through(self.of_class, own))

    @SHARED
    @given(st.data(), LENGTHS)
    def test_an_error_loses_nothing_that_a_completion_would_give(self, data, lengths):
        source: Subject = Subject()
        seen = Seen()
        source.pipe(self.of_class).subscribe(seen)
        pieces = cut(self.draw(data), lengths)
        for piece in pieces:
            source.on_next(piece)
        source.on_error(error := ValueError("mine"))
        assert list(seen) == through(self.of_class, pieces)
        assert seen.errors == [error]

    def test_a_token_costs_the_same_in_a_long_text_without_an_end(self):
        few, many = (best_of_three(self.of_class, [TextDelta(self.piece)] * count) for count in (1_000, 50_000))
        assert many < few * 5 + 2e-6  # quadratic would be 50 times; the machine may be busy

    def test_a_megabyte_without_an_end_in_one_delta_is_no_different(self):
        started = time.process_time()
        through(self.of_class, [TextDelta(self.piece * (1_000_000 // len(self.piece)))])
        assert time.process_time() - started < 10  # linear takes under a second, quadratic minutes


def best_of_three(operator: Operator, items: list[StreamItem]) -> float:
    """CPU seconds an item."""
    costs: list[float] = []
    for _ in range(3):
        started = time.process_time()
        through(operator, items)
        costs.append((time.process_time() - started) / len(items))
    return min(costs)
