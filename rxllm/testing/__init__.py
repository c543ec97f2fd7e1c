"""For tests, of ours and of yours: operators played as pictures, models that follow a script, recordings in no time.

`play` gives what comes out of an operator, `lifetimes` when it held its sources, `subscribers` what several subscribers
of one observable see. `ScriptedModel` stands wherever a model stands, and `ReplayTransport` in for the network;
`recorded` makes an answer for the former of a recording, with its times, on virtual time too.
"""

from rxllm.testing.diagrams import lifetimes, play, subscribers
from rxllm.testing.recorded import recorded
from rxllm.testing.scripted import ScriptedModel
from rxllm.transport.replay import ReplayTransport

__all__ = ["ReplayTransport", "ScriptedModel", "lifetimes", "play", "recorded", "subscribers"]
