"""What holds for every operator: a test class that inherits from `OperatorLaws` shows it for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rxllm.testing import lifetimes, play, subscribers

if TYPE_CHECKING:
    from reactivex import Observable

    from rxllm.observable import Operator


class OperatorLaws:
    """Give `operator`, a `source` and what comes of it, ended well (`played`) and badly (`failed`)."""

    operator: Operator
    source: str
    played: str
    failed: str
    empty = "--|"
    values: dict[str, Any] = {}  # noqa: RUF012 - a table that is only read

    def piped(self, source: Observable) -> Observable:
        return source.pipe(type(self).__dict__["operator"])

    def test_the_ordinary_case(self):
        assert play(self.piped, self.source, **self.values) == self.played

    def test_an_empty_source(self):
        assert play(self.piped, "--|", **self.values) == self.empty

    def test_an_error_comes_after_all_that_was_held(self):
        assert play(self.piped, self.source.replace("|", "#"), **self.values) == self.failed

    def test_leaving_it_leaves_the_source_in_the_same_frame(self):
        assert lifetimes(self.piped, self.source, until=1, **self.values)[0] == "^!"

    def test_a_late_second_subscriber_has_a_state_of_its_own(self):
        early, late = subscribers(self.piped, self.source, "^", "-^", **self.values)
        assert early == self.played
        assert late == play(self.piped, self.source, subscription="-^", **self.values)

    def test_one_operator_value_serves_two_subscribers(self):
        assert subscribers(self.piped, self.source, "^", "^", **self.values) == [self.played, self.played]
