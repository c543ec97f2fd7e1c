"""Pipelines: stages one after the other, each a function, a model, an agent or another pipeline; all one stream."""

from rxllm.pipelines.branches import parallel, when
from rxllm.pipelines.pipeline import Pipeline, pipeline
from rxllm.pipelines.stages import Step
from rxllm.pipelines.stream import PipelineStream

__all__ = ["Pipeline", "PipelineStream", "Step", "parallel", "pipeline", "when"]
