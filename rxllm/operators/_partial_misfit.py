"""What does not fit a model, told as a typed error."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from rxllm.errors import DecodeError
from rxllm.operators._json_path import Place, path_text

__all__ = ["misfit"]

_MOST_TOLD: Final = 3


def misfit(error: Exception, place: Place) -> Exception:
    """Tell what does not fit, without quoting it, as pydantic's own message does.

    Args:
        error: What pydantic found, or what a user's validator raised.
        place: Where the value stands that it looked at.

    Returns:
        The error to give; what is not pydantic's is the user's, and stays.
    """
    if not isinstance(error, ValidationError):
        return error
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    told = "; ".join(": ".join([*_steps(each["loc"]), each["msg"]]) for each in errors[:_MOST_TOLD])
    more = f"; and {len(errors) - _MOST_TOLD} more" if len(errors) > _MOST_TOLD else ""
    return DecodeError(
        f"The JSON at {path_text(place)} does not fit {error.title}: {told}{more}. Ask for the model's JSON schema "
        "(response_format), or allow for it in the model.",
        format="json",
    )


def _steps(loc: Place) -> list[str]:
    return [".".join(str(step) for step in loc)] if loc else []
