"""What the loop already knows, as answers to a plan's looks: optimistic where nothing is known."""

from hal0_operator.model import action as a
from hal0_operator.model.facts import HostFacts, ModelFile
from hal0_operator.model.probe import ProbeResult
from hal0_operator.reconcile.reconciler import Reconciler


def known(live: Reconciler, effect: a.Look) -> a.Outcome:
    match effect:
        case a.Check(slot=slot, needs=needs):
            state = live.states.get(slot)
            if state is not None and state.facts is not None:
                return a.Checked(state.facts)
            return a.Checked(HostFacts(model=ModelFile(needs.model) if needs.model else None))
        case a.ListImages():
            wanted = {found.inputs.image: found.inputs.image for found in live.aims.effective.values()}
            known_before = live.world.images_fresh or live.world.images
            return a.ImagesListed(live.world.images if known_before else wanted)
        case a.ListName(slot=slot):
            state = live.states.get(slot)
            return a.NameListed((state.holders or ()) if state is not None else ())
        case a.Probe():
            return a.Probed(ProbeResult("passed"))
        case a.SaveLogs():
            return a.Saved(())
        case _:
            return a.Done()
