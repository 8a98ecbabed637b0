"""Images being fetched: one pull per image, two at once, given up when no slot wants it.

One that has begun for a slot on demand goes on when nobody asks for the slot any more.
"""

from hal0_operator.model.action import Key, Pull
from hal0_operator.reconcile.state import NEVER, PullState

PULLS_AT_ONCE = 2
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 300.0


class Pulls:
    def __init__(self) -> None:
        self.states: dict[str, PullState] = {}
        self.running: set[str] = set()

    def begin(self, image: str, wanted: set[str], now: float) -> Pull | None:
        if image not in wanted:
            self.forget(image)
            return None
        if len(self.running) >= PULLS_AT_ONCE or now < self.again_at(image):
            return None
        state = self.states.setdefault(image, PullState(image))
        state.begun_at = now
        state.progress = ""
        self.running.add(image)
        return Pull(image, "not here, and a slot wants it")

    def ended(self, image: str, fault: str, now: float) -> float | None:
        """When to try again, or None after a success."""
        self.running.discard(image)
        state = self.states[image]
        if not fault:
            del self.states[image]
            return None
        state.fault = fault
        state.delay = min(max(state.delay * 2, FIRST_RETRY_S), LONGEST_RETRY_S)
        state.again_at = now + state.delay
        return state.again_at

    def forget(self, image: str) -> None:
        """Nobody waits for it any more."""
        self.states.pop(image, None)

    def again_at(self, image: str) -> float:
        state = self.states.get(image)
        return state.again_at if state is not None else NEVER

    def abandoned(self, wanted: set[str]) -> list[Key]:
        return [Key("pull", image) for image in sorted(self.running) if image not in wanted]
