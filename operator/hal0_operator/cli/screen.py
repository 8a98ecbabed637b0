"""Lines on a terminal, repainted in place, or in a pipe, whole and flushed."""

import shutil
from typing import TextIO

from hal0_operator.cli.output import colourful, neutral, paint
from hal0_operator.cli.render import PHASE_COLOURS

CLEAR_BELOW = "\x1b[J"


class Screen:
    """Writes to one stream.  ``terminal`` tells whether repainting makes sense."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._colour = colourful(stream)
        self._painted = 0
        self.terminal = stream.isatty()

    def write(self, lines: list[str]) -> None:
        """Complete lines, at once."""
        self._stream.write("".join(f"{self._tinted(neutral(line))}\n" for line in lines))
        self._stream.flush()

    def repaint(self, lines: list[str]) -> None:
        """Replace what the last call painted; what does not fit the terminal is cut."""
        width, height = shutil.get_terminal_size()
        fit = [neutral(line)[: max(width - 1, 1)] for line in lines]
        if len(fit) >= height:
            fit = [*fit[: max(height - 2, 1)], f"… {len(fit) - max(height - 2, 1)} more"]
        up = f"\x1b[{self._painted}A" if self._painted else ""
        body = "".join(f"{self._tinted(line)}\x1b[K\n" for line in fit)
        self._stream.write(f"{up}\r{body}{CLEAR_BELOW}")
        self._stream.flush()
        self._painted = len(fit)

    def _tinted(self, line: str) -> str:
        """A table row with its phase in colour; the phase is the second column."""
        if not self._colour:
            return line
        words = line.split(maxsplit=2)
        colour = PHASE_COLOURS.get(words[1], "") if len(words) > 1 else ""
        return line.replace(f" {words[1]}", f" {paint(words[1], colour, on=True)}", 1) if colour else line
