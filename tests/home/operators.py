"""An operator's half that deals with the home, without Podman: read, carry over, bring into force, remember."""

from pathlib import Path

from hal0_operator.changes.wish import Wish
from hal0_operator.home.read import Reader
from hal0_operator.home.writer import Writer, Written
from hal0_operator.host.fs import HostFs
from hal0_operator.loop.intake import Admission, Intake
from hal0_operator.model.settings import Settings
from hal0_operator.model.snapshot import Admitted
from tests.changes.homes import SEEDS

SETTINGS = Settings()
NO_PORTS: frozenset[int] = frozenset()


class HomeSide:
    """``last`` survives ``restart``, as the state directory does; ``events`` are (severity, reason, message)."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.last: Admitted | None = None
        self.events: list[tuple[str, str, str]] = []
        self.restart()

    def restart(self) -> None:
        reader, intake = Reader(HostFs(), str(self.home)), Intake(SEEDS, SETTINGS, self.last)
        self.reader, self.intake = reader, intake
        self.writer = Writer(reader, intake.present, intake.judge, lambda *e: self.events.append(e), _never)

    def look(self) -> Admission:
        """What a settled look at the home comes to."""
        judged, _ = self.writer.completed(self.reader.now(), NO_PORTS)
        found = self.intake.accept(judged)
        self.reader.adopt(judged.files)
        self.last = self.intake.last
        return found

    def wish(self, wish: Wish, *, dry_run: bool = False) -> Written:
        """Write what a wish comes to, and look."""
        written = self.writer.change(wish, "a test", NO_PORTS, dry_run=dry_run)
        self.look()
        return written

    def texts(self) -> dict[str, str]:
        """Every file of the home but the writers' own, by its name."""
        files = [path for path in self.home.rglob("*") if path.is_file() and ".hal0" not in path.parts]
        return {str(path.relative_to(self.home)): path.read_text() for path in files}


def _never(_seconds: float) -> None:
    raise AssertionError("nobody else holds this home")
