from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from reactivex import from_iterable
from reactivex import operators as rx

from rxllm.errors import ConfigurationError
from rxllm.items import Finish, Ping, ReasoningDelta, Rollback, StreamItem, TextDelta, Usage
from rxllm.operators.of_type import of_type
from rxllm.testing import play

ITEMS = st.lists(st.sampled_from([TextDelta("a"), ReasoningDelta("b"), Ping(), Usage(1), Rollback(1), Finish("stop")]))


class TestLaws(OperatorLaws):
    operator = of_type(TextDelta, Ping)
    source = "a-{reason b}-{ping}|"
    played = "a---{ping}|"
    failed = "a---{ping}#"


@given(ITEMS)
@settings(deadline=None, max_examples=30)
def test_it_equals_a_filter_with_isinstance(items):
    source = from_iterable(items)
    plain = source.pipe(rx.filter(lambda item: isinstance(item, (TextDelta, Usage))), rx.to_list()).run()
    assert source.pipe(of_type(TextDelta, Usage), rx.to_list()).run() == plain


def test_a_type_of_which_others_are_made_passes_them_all():
    assert play(of_type(StreamItem), "a-{ping}|") == "a-{ping}|"


@pytest.mark.parametrize("types", [(), (int,), ("TextDelta",)])
def test_what_is_no_type_of_item_is_refused(types):
    with pytest.raises(ConfigurationError, match="needs types of items"):
        of_type(*types)
