"""The door: one wrong value is told in one way, wherever it stands."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from rxllm.errors import ConfigurationError
from rxllm.messages import Given, expecting


class Inner(Given):
    size: Annotated[int, Field(ge=1)] = 1


class Outer(Given):
    inner: Annotated[Inner | None, expecting("an Inner, or None")] = None
    either: list[Inner] | str = ""


def told(**fields):
    with pytest.raises(ConfigurationError) as caught:
        Outer(**fields)
    return str(caught.value)


def test_a_wrong_type_is_told_with_what_was_expected():
    assert told(inner=3) == "Outer.inner: got 3, expected an Inner, or None."


def test_what_is_wrong_further_within_is_told_as_it_is():
    assert told(inner={"size": 0}) == "Outer.inner.size: got 0, expected greater than or equal to 1."


def test_an_unknown_field_is_told_with_the_nearest_of_its_own_class():
    assert told(inner={"sice": 0}) == "Outer.inner: unknown field 'sice'. Did you mean 'size'? Known: size."


def test_of_several_types_the_one_that_got_furthest_is_told():
    assert told(either=[{"size": 0}]) == "Outer.either[0].size: got 0, expected greater than or equal to 1."


def test_a_text_is_never_shown():
    assert told(inner={"size": "sk-secret"}).startswith("Outer.inner.size: got a value of type str, expected ")


def test_any_mapping_stands_for_a_dict():
    assert Outer(inner=MappingProxyType({"size": 2})).inner == Inner(size=2)


def test_pydantics_own_way_in_keeps_pydantics_own_error():
    with pytest.raises(ValidationError):
        Outer.model_validate({"inner": 3})
