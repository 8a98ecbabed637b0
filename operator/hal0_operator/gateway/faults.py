"""How a request may end before its answer."""

from hal0_operator.routing.failure import Failure


class Refused(Exception):
    """The client is told ``failure``."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Gone(Exception):
    """The client went; there is nobody to tell."""


class UpstreamFault(Exception):
    """The container did not give a whole answer; ``args[0]`` says why."""


class NoConnection(UpstreamFault):
    """The container takes no connection: its process has just ended, or is not there yet."""


class TooLate(UpstreamFault):
    """Nothing of an answer came in time."""


class Aborted(UpstreamFault):
    """The gateway itself ended the exchange."""


def stalled(seconds: float) -> Refused:
    """A body that neither goes on nor ends."""
    return invalid(f"nothing more of the body came for {seconds:g} s")


def invalid(message: str, status: int = 400) -> Refused:
    """A request that cannot be taken as it is."""
    return Refused(Failure(status, "request.invalid", message))
