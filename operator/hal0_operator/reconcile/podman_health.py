"""Whether Podman answers, and when to ask again when it does not."""

FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 5.0


class PodmanHealth:
    """``down`` holds the message while Podman is out of reach; ``since`` is when that began."""

    def __init__(self) -> None:
        self.down = ""
        self.since = 0.0
        self.ask_at = float("-inf")
        self._delay = 0.0

    def failed(self, message: str, now: float) -> None:
        if not self.down:
            self.since = now
            self._delay = 0.0
        self.down = message
        self._delay = FIRST_RETRY_S if self._delay == 0 else min(self._delay * 2, LONGEST_RETRY_S)
        self.ask_at = now + self._delay

    def answered(self, now: float) -> float:
        """Seconds that it was down, 0 when it was not: start-up deadlines move by them."""
        outage = now - self.since if self.down else 0.0
        self.down = ""
        self.ask_at = float("-inf")
        return outage

    def may_ask(self, now: float) -> bool:
        return now >= self.ask_at
