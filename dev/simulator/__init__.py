"""v98store and its media hosts as their users see them, played on one loopback port.

    with Simulator() as sim:
        relay_to(sim.url)

`python -m dev.simulator --list` names the scenes.
"""

from dev.simulator.ledger import Received, Sent
from dev.simulator.scenes import CATALOGUE
from dev.simulator.server import Simulator

__all__ = ["CATALOGUE", "Received", "Sent", "Simulator"]
