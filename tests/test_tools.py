"""`@tool`: what the model is told of a function, and what a call of it must be."""

from __future__ import annotations

from datetime import date
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import pytest
from pydantic import BaseModel, Field

from rxllm.errors import ConfigurationError, ToolError
from rxllm.tools import Tool, as_tool, result_text, tool

if TYPE_CHECKING:
    from decimal import Decimal


class Unit(Enum):
    C = "c"
    F = "f"


class Where(BaseModel):
    """Find a place.

    More of it.
    """

    city: str
    land: str | None = None


class Book:
    """Something with methods."""

    def __init__(self, pages: int = 0) -> None:
        self.pages = pages

    @tool(max_concurrency=1)
    def read(self, page: int) -> str:
        """Read a page."""
        return f"{page} of {self.pages}"

    @tool
    @classmethod
    def write(cls, text: str) -> str:
        """Write a book."""
        return cls.__name__ + text

    @tool
    @staticmethod
    def burn(why: str) -> str:
        """Burn."""
        return why


def parameters(function: Any) -> dict[str, Any]:
    return as_tool(function).spec.parameters


def called(made: Tool[..., Any], arguments: Any, context: object = None) -> Any:
    return made.bind(made.validate(arguments), context)()


def test_name_and_description_come_from_the_function():
    @tool
    def look_up(word: str) -> str:
        """Look a word up.

        In the large dictionary.

        Args:
            word: Which.
        """
        return word

    assert look_up.spec.name == "look_up"
    assert look_up.spec.description == "Look a word up.\n\nIn the large dictionary."


def test_parameters_come_from_signature_annotations_and_docstring():
    def weather(city: str, unit: Unit = Unit.C, days: Literal[1, 7] = 1) -> str:
        """Tell.

        Args:
            city (str): Where,
                in English.
            unit: In what.
        """
        return city

    schema = parameters(weather)
    assert schema["required"] == ["city"]
    assert schema["properties"]["city"] == {"title": "City", "type": "string", "description": "Where, in English."}
    assert schema["properties"]["unit"]["description"] == "In what."
    assert schema["properties"]["days"]["enum"] == [1, 7]
    assert schema["additionalProperties"] is False


def test_a_docstring_in_sphinxs_manner_is_read_too():
    def weather(city: str) -> str:
        """Tell.

        :param city: Where.
        """
        return city

    assert as_tool(weather).description == "Tell."
    assert parameters(weather)["properties"]["city"]["description"] == "Where."


def test_an_annotated_parameter_keeps_its_own_description_and_limits():
    def step(count: Annotated[int, Field(ge=1, description="How many.")]) -> int:
        return count

    assert parameters(step)["properties"]["count"] == {
        "description": "How many.",
        "minimum": 1,
        "title": "Count",
        "type": "integer",
    }


def test_names_that_pydantic_has_taken_are_no_harm():
    def odd(json: str, _hidden: int, model_config: int, copy: int) -> str:
        return json

    assert list(parameters(odd)["properties"]) == ["json", "_hidden", "model_config", "copy"]
    assert called(as_tool(odd), {"json": "x", "_hidden": 1, "model_config": 2, "copy": 3}) == "x"


def test_a_return_annotation_need_not_be_there_to_be_read():
    def price(of: str) -> Decimal:
        raise NotImplementedError

    assert list(parameters(price)["properties"]) == ["of"]


def test_an_annotation_that_cannot_be_read_is_told():
    def price(of: Decimal) -> str:
        return str(of)

    with pytest.raises(ConfigurationError, match=r"annotations of tool price cannot be read.*Decimal.*TYPE_CHECKING"):
        tool(price)


def test_the_model_does_not_see_the_context():
    def who(greeting: str, ctx: Where) -> str:
        return greeting + ctx.city

    assert list(parameters(who)["properties"]) == ["greeting"]
    assert called(as_tool(who), {"greeting": "Hi "}, Where(city="Rome")) == "Hi Rome"


@pytest.mark.parametrize("context", [None, "Rome"])
def test_another_context_is_refused(context):
    def who(ctx: Where) -> str:
        return ctx.city

    with pytest.raises(ConfigurationError, match="needs a context of type Where, and got"):
        as_tool(who).check_context(context)
    as_tool(who).check_context(Where(city="x"))


def test_a_context_that_only_a_type_checker_can_judge_is_taken():
    class Locates(Protocol):
        city: str

    def who(ctx: Locates) -> str:
        return ctx.city

    who.__annotations__["ctx"] = Locates  # as it stands at the top of a module
    made = as_tool(who)
    made.check_context(Where(city="Rome"))
    assert called(made, {}, Where(city="Rome")) == "Rome"


def test_a_method_is_a_tool_of_its_object():
    book = Book(9)
    assert list(book.read.spec.parameters["properties"]) == ["page"]
    assert called(book.read, {"page": 3}) == "3 of 9"
    assert book.read(page=3) == "3 of 9"


def test_a_method_of_nobody_is_refused():
    with pytest.raises(ConfigurationError, match=r"Tool read is a method.*thing\.read"):
        Book.read.spec  # noqa: B018 - reading it is what raises


def test_what_is_bound_of_one_method_shares_its_limit():
    assert Book(1).read.slots is Book(2).read.slots
    assert Book(1).read.max_concurrency == 1


def test_class_and_static_methods_are_tools():
    assert called(Book.write, {"text": "!"}) == "Book!"
    assert called(Book().write, {"text": "!"}) == "Book!"
    assert called(Book.burn, {"why": "cold"}) == "cold"
    assert called(Book().burn, {"why": "cold"}) == "cold"


def test_a_pydantic_model_is_a_tool_that_gives_its_instance():
    where = tool(Where)
    assert (where.spec.name, where.spec.description) == ("Where", "Find a place.\n\nMore of it.")
    assert "description" not in where.spec.parameters
    assert called(where, {"city": "Rome"}) == Where(city="Rome")


def test_a_pydantic_model_that_can_be_called_is_called():
    class Add(BaseModel):
        a: int
        b: int

        def __call__(self) -> int:
            return self.a + self.b

    assert called(tool(Add), {"a": 1, "b": 2}) == 3


def test_what_a_partial_has_bound_is_not_for_the_model_to_say():
    def send(text: str, user: str) -> str:
        """Send."""
        return f"{text} to {user}"

    bound = as_tool(partial(send, user="Ada"))
    assert (bound.name, bound.description, list(bound.spec.parameters["properties"])) == ("send", "Send.", ["text"])
    assert called(bound, {"text": "Hi"}) == "Hi to Ada"
    with pytest.raises(ToolError, match="user"):
        bound.validate({"text": "Hi", "user": "Bob"})


def test_an_object_that_can_be_called_is_a_tool():
    class Doubler:
        """Double it."""

        def __call__(self, number: int) -> int:
            return 2 * number

    doubler = as_tool(Doubler())
    assert (doubler.name, doubler.description) == ("Doubler", "Double it.")
    assert called(doubler, {"number": 4}) == 8


def test_positional_only_parameters_are_given_by_place():
    def power(base: int, /, exponent: int = 2) -> int:
        return base**exponent

    assert called(as_tool(power), {"base": 3}) == 9


def test_arguments_become_what_the_annotations_say():
    def plan(day: date, where: Where, unit: Unit) -> Any:
        return day, where, unit

    given = {"day": "2026-01-02", "where": {"city": "Rome"}, "unit": "f"}
    assert called(as_tool(plan), given) == (date(2026, 1, 2), Where(city="Rome"), Unit.F)


def test_a_strict_date_is_read_off_its_text():
    def plan(day: Annotated[date, Field(strict=True)]) -> date:
        return day

    assert called(as_tool(plan), {"day": "2026-01-02"}) == date(2026, 1, 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (None, "not a JSON object"),
        ([1], "not a JSON object"),
        ({}, "city: Field required"),
        ({"city": 1}, "city: Input should be a valid string"),
        ({"city": "x", "zip": 1}, "zip: Extra inputs are not permitted"),
    ],
)
def test_what_does_not_fit_is_said_in_words_for_the_model(arguments, said):
    def weather(city: str) -> str:
        return city

    with pytest.raises(ToolError, match=said):
        as_tool(weather).validate(arguments)


def test_a_default_that_changes_is_fresh_for_every_call():
    def gather(into: list[int] = []) -> list[int]:  # noqa: B006 - that is the point
        into.append(1)
        return into

    gatherer = as_tool(gather)
    assert called(gatherer, {}) == [1]
    assert called(gatherer, {}) == [1]


async def says_yes(**_: object) -> bool:
    return True


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda *rest: rest, "no name"),
        (3, "made of a function"),
        (partial(tool, timeout=0), "positive number of seconds"),
        (partial(tool, max_concurrency=0), "at least 1"),
        (partial(tool, name="a b"), "no name for a tool"),
        (partial(tool, name=3), "expected a name"),
        (partial(tool, timeout="3"), "positive number of seconds"),
        (partial(tool, max_concurrency=1.5), "whole number"),
        (partial(tool, needs_approval="yes"), "True, False, or a function"),
        (partial(tool, needs_approval=says_yes), "sync one"),
        (partial(tool, early="no"), "Tool.early"),
    ],
)
def test_what_cannot_be_a_tool_is_refused(wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        wrong()(lambda: None) if isinstance(wrong, partial) else tool(wrong)


def test_parameters_that_no_schema_can_describe_are_refused():
    def rest(*words: str) -> None: ...
    def kept(words: object, loop: Book) -> None: ...

    with pytest.raises(ConfigurationError, match=r"\*words"):
        tool(rest)
    with pytest.raises(ConfigurationError, match="kept cannot be described"):
        tool(kept)


def test_results_are_written_for_the_model():
    assert result_text("as it is") == "as it is"
    assert result_text(Where(city="Rome")) == '{"city":"Rome","land":null}'
    assert result_text([date(2026, 1, 2), None]) == '["2026-01-02",null]'
    assert result_text("a\udc80") == "a\\udc80"
    assert result_text(["\udc80"]) == "['\\udc80']"
    endless: dict[str, Any] = {}
    endless["self"] = endless
    assert result_text(endless) == "{'self': {...}}"


def test_called_by_yourself_it_is_the_function():
    @tool
    def double(number: int) -> int:
        return 2 * number

    assert double(4) == 8
