"""Did you mean."""

from collections.abc import Iterable


def closest(word: str, options: Iterable[str]) -> str:
    """The option that a typo most likely meant, ``""`` when none is near."""
    from difflib import get_close_matches  # noqa: PLC0415 - only homes with faults pay for it

    choices = {option.casefold(): option for option in options}
    near = get_close_matches(word.strip().casefold(), choices, n=1, cutoff=0.6)
    return choices[near[0]] if near else ""


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """A hint: the nearest option, or all of them when none is near."""
    options = tuple(options)
    near = closest(word, options)
    if near:
        return f"did you mean `{near}`?"
    return f"one of: {', '.join(options)}"
