"""What does not fit a model, told as a typed error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rxllm.errors import DecodeError
from rxllm.operators._json_path import Place, path_text

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["misfit"]

_MOST_TOLD: Final = 3


def misfit(invalid: ValidationError, place: Place) -> DecodeError:
    """Tell what does not fit, without quoting it, as pydantic's own message does.

    Args:
        invalid: What pydantic found.
        place: Where the value stands that it looked at.

    Returns:
        The error.
    """
    errors = invalid.errors(include_url=False, include_context=False, include_input=False)
    told = "; ".join(f"{'.'.join(str(step) for step in each['loc'])}: {each['msg']}" for each in errors[:_MOST_TOLD])
    more = f"; and {len(errors) - _MOST_TOLD} more" if len(errors) > _MOST_TOLD else ""
    return DecodeError(
        f"The JSON at {path_text(place)} does not fit {invalid.title}: {told}{more}. Ask for the model's JSON schema "
        "(response_format), or allow for it in the model.",
        format="json",
    )
