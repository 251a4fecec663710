"""v98store as its users see it, played on one machine: see UPSTREAM facts in the scenes' own words.

    with Simulator() as sim:
        relay_to(sim.url)

`python -m dev.simulator --list` names the scenes.
"""

from dev.simulator.ledger import Received, Sent
from dev.simulator.scenes import CATALOGUE
from dev.simulator.server import Simulator

__all__ = ["CATALOGUE", "Received", "Sent", "Simulator"]
