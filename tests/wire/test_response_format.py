"""What an answer must look like, in whatever wrapping it was asked for."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - pydantic reads it
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from pydantic import BaseModel, Field, RootModel, create_model

from rxllm.errors import ConfigurationError
from rxllm.messages import chat_request
from rxllm.wire import FORMATS, find_wire, responses

T = TypeVar("T")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


class Unspeakable(BaseModel):
    run: Callable[[], None]


class Endless(BaseModel):
    inner: Endless = Field(description="The same again.")


class NotANumber(BaseModel):
    size: float = float("nan")


def encoded(wire: str, wanted: Any) -> dict[str, Any]:
    return find_wire(wire).encode(chat_request("Why?", {"response_format": wanted}), model="m")


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}},
        {"type": "json_schema", "name": "answer", "schema": SCHEMA},
        SCHEMA,
    ],
    ids=["of Chat Completions", "of Responses", "bare"],
)
def test_every_wrapping_of_a_schema_is_taken(wire, wanted):
    assert encoded(wire, wanted) == encoded(
        wire, {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    )


@pytest.mark.parametrize("wanted", [{"type": "json_schema", "schema": SCHEMA}, {"type": "grammar", "name": "g"}])
def test_a_servers_own_form_goes_to_it_as_it_is(wanted):
    assert encoded("chat_completions", wanted)["response_format"] == wanted


@pytest.mark.parametrize("wire", [wire for wire in FORMATS if wire != "chat_completions"])
@pytest.mark.parametrize("wanted", [{}, {"type": "grammar"}, {"type": "json_schema"}, {"type": ["json", 1]}])
def test_what_has_no_schema_is_refused(wire, wanted):
    with pytest.raises(ConfigurationError, match=r"response_format cannot be said in .*json_schema"):
        encoded(wire, wanted)


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("model", [Unspeakable, NotANumber])
def test_a_model_without_a_json_schema_is_refused(wire, model):
    with pytest.raises(ConfigurationError, match="response_format"):
        encoded(wire, model)


def test_a_reference_to_itself_that_cannot_be_spelled_out_is_refused():
    with pytest.raises(ConfigurationError, match="refers to itself"):
        encoded("chat_completions", Endless)


# What strict forms take of a pydantic model


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]
    lives: int = 1


class Home(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind", description="Who lives there.")]
    old: Dog = Dog(kind="dog", lives=3)
    default: Literal["x", "y"] = "x"
    discriminator: int


class Page(BaseModel, Generic[T]):
    items: list[T]


class Scores(BaseModel):
    scores: dict[str, int]


class Anything(BaseModel, extra="allow"):
    pass


class Lenient(BaseModel, extra="allow"):
    name: str


class Nothing(BaseModel):
    pass


class Recursive(BaseModel):
    inner: Recursive | None = None
    notes: dict[str, Any] = {}


STRICT = {
    "chat_completions": lambda body: body["response_format"]["json_schema"],
    "responses": lambda body: body["text"]["format"],
    "anthropic": lambda body: body["output_config"]["format"],
}
OPENAI = ["chat_completions", "responses"]


def strict(wire: str, model: Any) -> dict[str, Any]:
    return STRICT[wire](encoded(wire, model))


@pytest.mark.parametrize("wire", STRICT)
def test_a_union_that_a_field_tells_apart_is_any_of_its_kinds(wire):
    pet = strict(wire, Home)["schema"]["properties"]["pet"]
    assert pet == {
        "title": "Pet",
        "description": "Who lives there.",
        "anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
    }


@pytest.mark.parametrize("wire", STRICT)
def test_a_default_is_left_out_and_a_field_of_that_name_is_not(wire):
    schema = strict(wire, Home)["schema"]
    assert set(schema["properties"]) == {"pet", "old", "default", "discriminator"}
    assert schema["properties"]["old"] == {"$ref": "#/$defs/Dog"}
    assert schema["properties"]["default"] == {"enum": ["x", "y"], "title": "Default", "type": "string"}
    assert schema["$defs"]["Dog"]["properties"]["lives"] == {"title": "Lives", "type": "integer"}


@pytest.mark.parametrize("wire", OPENAI)
def test_every_field_is_required_by_the_strict_form(wire):
    schema = strict(wire, Home)["schema"]
    assert schema["required"] == ["pet", "old", "default", "discriminator"]
    assert schema["$defs"]["Dog"]["required"] == ["kind", "lives"]


@pytest.mark.parametrize("wire", OPENAI)
@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Page[Cat], "Page_Cat"),
        (create_model("L" * 70), "L" * 64),
        (create_model("Größe"), "Gr_e"),
        (create_model("数"), "answer"),
    ],
)
def test_a_models_name_has_only_letters_that_are_taken(wire, model, name):
    assert strict(wire, model)["name"] == name


@pytest.mark.parametrize("wire", OPENAI)
@pytest.mark.parametrize(
    "model",
    [
        Scores,
        Page[Scores],
        Anything,
        Recursive,
        RootModel[dict[str, Scores]],
        create_model("M", a=(dict | None, None)),
        create_model("M", a=(dict[Annotated[str, Field(pattern="^a")], int], ...)),
        create_model("M", a=(Any, ...)),
        create_model("M", a=(list[Any], ...)),
        create_model("M", a=(set[int], ...)),
    ],
)
def test_a_model_that_has_no_strict_form_is_sent_as_it_is(wire, model):
    sent = strict(wire, model)
    assert sent["strict"] is False
    assert sent["schema"] == model.model_json_schema()


@pytest.mark.parametrize("wire", STRICT)
@pytest.mark.parametrize("model", [Home, Page[Home], Lenient, Nothing])
def test_what_names_its_keys_is_closed(wire, model):
    sent = strict(wire, model)
    assert sent["schema"]["additionalProperties"] is False
    assert sent.get("strict", True) is True


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (Scores, "response_format.scores"),
        (Page[Scores], "response_format.items[].scores"),
        (create_model("M", a=(dict[str, Any] | None, None)), "response_format.a"),
        (Recursive, "response_format.notes"),
        (Anything, "response_format"),
    ],
)
def test_anthropic_refuses_an_object_of_any_keys_by_its_place_since_closed_it_would_be_empty(model, field):
    with pytest.raises(ConfigurationError) as raised:
        encoded("anthropic", model)
    assert str(raised.value).startswith(f"{field} cannot be said in Anthropic Messages.")


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"type": "object"}, {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}),
        ("json", {"type": "json_object"}),
    ],
)
def test_a_server_that_hears_it_only_as_chat_completions_says_it_is_told_so_too(asked, sent):
    request = chat_request("Hi", {"response_format": asked})
    assert responses.encode(request, model="m", asks_format_as_chat=True)["response_format"] == sent
    assert "response_format" not in responses.encode(request, model="m")
    assert "response_format" not in responses.encode(chat_request("Hi"), model="m", asks_format_as_chat=True)
