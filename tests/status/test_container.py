"""What is told of a slot's container."""

import msgspec

from tests.sim.home import Home, slot
from tests.sim.simulator import Simulator
from tests.sim.statuses import StatusRules


def test_its_image_is_named_as_the_profile_names_it_whichever_of_its_names_podman_tells():
    sim = Simulator(Home({"chat": slot(8101)}))
    rules = StatusRules(sim)
    sim.run(3)
    own = sim.reconciler.world.own("chat")[0]
    sim.reconciler.world.put(msgspec.structs.replace(own, image="localhost/moving:1"))
    rules.statuses.stale(None)
    assert rules.statuses.one("chat").container.image == "localhost/stub:1"
