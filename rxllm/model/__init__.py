"""A provider's model by name: `Model`, and what a look at its server tells."""

from rxllm.model.health import Health
from rxllm.model.model import Model

__all__ = ["Health", "Model"]
