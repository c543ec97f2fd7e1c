"""`@tool`: a function, a method or a pydantic model as something that a model may call."""

from __future__ import annotations

import inspect
import json
import re
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeAlias, TypeVar, cast, overload

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from rxllm.errors import ConfigurationError, ToolError
from rxllm.messages import ToolSpec
from rxllm.tools.arguments import CONTEXT, Arguments, described, is_method, misfit, source_of, summary
from rxllm.tools.options import Options

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["Slots", "Tool", "as_tool", "result_text", "tool"]

P = ParamSpec("P")
R = TypeVar("R")
Slots: TypeAlias = "dict[asyncio.AbstractEventLoop, asyncio.Semaphore]"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


class Tool(Generic[P, R]):
    """A function and what a model must know to call it.

    Unlike a `ToolSpec`, which only describes, it also runs: an agent calls it. Called by yourself it is the function
    that it was made of.

    Args:
        function: What runs; sync (then in a thread), async, or a generator of either kind, whose yields are progress.
        name: What the model calls it; by default the function's name.
        description: What the model reads; by default the docstring before its sections.
        timeout: Seconds that a call may take; None for no limit.
        max_concurrency: Calls that may run at once in a loop; None for no limit.
        needs_approval: Whether each call waits for `stream.approve(call)`, or a function of its arguments that tells.
        early: Whether it may start while the model still speaks; only for what does no harm when done in vain.

    Raises:
        ConfigurationError: A parameter cannot be described in JSON Schema, the name is not one, or an option is wrong.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float | None = None,
        max_concurrency: int | None = None,
        needs_approval: bool | Callable[..., bool] = False,
        early: bool = False,
    ) -> None:
        given = cast("Any", function)  # as whatever came, not as what is asked for
        if not callable(given) and not isinstance(given, classmethod):
            raise ConfigurationError(f"A tool is made of a function, a method or a pydantic model; got {function!r}.")
        fields: dict[str, Any] = {
            "name": name,
            "description": description,
            "timeout": timeout,
            "max_concurrency": max_concurrency,
            "needs_approval": needs_approval,
            "early": early,
        }
        options = Options(**fields)
        source = source_of(function)
        self.function = function
        self.name: str = name or getattr(source, "__name__", type(source).__name__)
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(f"{self.name!r} is no name for a tool: give name=, of letters, digits, _ and -.")
        self.timeout = options.timeout
        self.max_concurrency = options.max_concurrency
        self.needs_approval: bool | Callable[..., bool] = options.needs_approval
        self.early = options.early
        self.slots: Slots = {}  # by loop; what is bound of one method shares them
        self.description: str = summary(inspect.getdoc(source) or "") if description is None else description
        self._arguments: Arguments | None = None  # of a method, until it is bound
        if not is_method(given):
            self._arguments = described(given, self.name)

    @property
    def arguments(self) -> Arguments:
        """What it takes.

        Raises:
            ConfigurationError: It is a method, and nobody has said whose.
        """
        if self._arguments is None:
            raise ConfigurationError(
                f"Tool {self.name} is a method: give it bound to an object, tools=[thing.{self.name}]."
            )
        return self._arguments

    @cached_property
    def spec(self) -> ToolSpec:
        """What the model is told."""
        try:
            schema = self.arguments.model.model_json_schema()
        except PydanticUserError as error:
            raise ConfigurationError(f"Tool {self.name} has a parameter without a JSON Schema: {error}") from error
        schema.pop("title", None)
        schema.pop("description", None)
        return ToolSpec(name=self.name, description=self.description, parameters=schema)

    def validate(self, arguments: Any) -> dict[str, Any]:
        """Check what a model wrote.

        Args:
            arguments: The parsed JSON; None where it was not JSON.

        Returns:
            The keyword arguments for the function; for a pydantic model the instance, as `{"instance": …}`.

        Raises:
            ToolError: They do not fit; the message is for the model.
        """
        if not isinstance(arguments, dict):
            raise ToolError(f"The arguments of {self.name} are not a JSON object. Write one that fits its schema.")
        try:
            # as JSON, where a strict date is a str
            checked = self.arguments.model.model_validate_json(json.dumps(arguments))
        except ValidationError as error:
            raise ToolError(
                f"The arguments of {self.name} do not fit: {misfit(error)}. Correct them and call again."
            ) from error
        return {"instance": checked} if self._is_model else self.arguments.by_name(checked)

    def asks(self, arguments: dict[str, Any]) -> bool:
        """Tell whether a call with these arguments needs somebody's approval."""
        wanted = self.needs_approval
        return wanted if isinstance(wanted, bool) else bool(wanted(**arguments))

    def bind(self, arguments: dict[str, Any], context: object) -> Callable[[], Any]:
        """Make the call that is left to be made.

        Args:
            arguments: What `validate` gave.
            context: For the `ctx` parameter.

        Returns:
            A function without arguments.
        """
        if self._is_model:
            instance = arguments["instance"]
            return instance if callable(instance) else lambda: instance
        named = {**arguments, CONTEXT: context} if self.arguments.wants_context else dict(arguments)
        first = [named.pop(name) for name in self.arguments.positional]
        return partial(cast("Callable[..., Any]", self.function), *first, **named)

    @property
    def _is_model(self) -> bool:
        return self.arguments.model is self.function

    def check_context(self, context: object) -> None:
        """Refuse a run whose context is not of the type that `ctx` is annotated with.

        Raises:
            ConfigurationError: There is none, or another one.
        """
        expected = self.arguments.context
        if not self.arguments.wants_context or not inspect.isclass(expected):
            return
        try:
            fits = isinstance(context, expected)
        except TypeError:  # a Protocol that only the type checker knows, or a dict[str, int]
            return
        if not fits:
            raise ConfigurationError(
                f"Tool {self.name} needs a context of type {expected.__name__}, and got {type(context).__name__}. "
                "Give it with the question: agent.stream(…, ctx=…)."
            )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself."""
        return self.function(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Tool[..., R]:
        """Bind a method, so that `tools=[self.search]` works."""
        function: Any = cast("Any", self.function)
        if not hasattr(function, "__get__") or (instance is None and not isinstance(function, classmethod)):
            return self
        bound: Tool[..., R] = Tool(
            function.__get__(instance, owner),  # pyright: ignore[reportUnknownMemberType] - any descriptor's
            name=self.name,
            description=self.description,
            timeout=self.timeout,
            max_concurrency=self.max_concurrency,
            needs_approval=self.needs_approval,
            early=self.early,
        )
        bound.slots = self.slots
        return bound

    def __repr__(self) -> str:
        return f"Tool({self.name!r})"


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    max_concurrency: int | None = None,
    needs_approval: bool | Callable[..., bool] = False,
    early: bool = False,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(function: Any = None, /, **options: Any) -> Any:
    r"""Make a tool of a function, a method or a pydantic model; as a decorator, with options or without.

    >>> @tool
    ... def weather(city: str, days: int = 1) -> str:
    ...     '''Look up the weather.
    ...
    ...     Args:
    ...         city: Where.
    ...     '''
    ...     return "sun"
    >>> weather.spec.parameters["properties"]["city"]
    {'description': 'Where.', 'title': 'City', 'type': 'string'}
    >>> weather("Rome")
    'sun'

    Args:
        function: What runs.
        options: See `Tool`.

    Returns:
        The `Tool`, or what makes one.

    Raises:
        ConfigurationError: It cannot be described.
    """
    if function is None:
        return partial(Tool[..., Any], **options)
    return Tool[..., Any](function, **options)


def as_tool(given: Any) -> Tool[..., Any]:
    """Take a tool, or make one of a function that was not decorated."""
    return cast("Tool[..., Any]", given) if isinstance(given, Tool) else Tool(given)


_text_of: Final = TypeAdapter[Any](Any)


def result_text(result: object) -> str:
    """Write a tool's result for the model: a str as it is, everything else as JSON.

    Half a surrogate pair, which file names may hold and no request can, is written as its escape.

    >>> result_text({"a": 1}), result_text("b")
    ('{"a":1}', 'b')

    Args:
        result: What the tool gave.

    Returns:
        The text.
    """
    if not isinstance(result, str):
        try:
            return _text_of.dump_json(result, fallback=str).decode()
        except ValueError:  # e.g. a dict with itself in it
            result = str(result)
    return result.encode("utf-8", "backslashreplace").decode()
