"""An operator's parts for the verbs that need the machine itself, with errors for people."""

import sys

import msgspec

from hal0_operator.cli import problems as shown
from hal0_operator.cli.options import Failed, Paths, Usage
from hal0_operator.cli.output import colourful, paint, write_line
from hal0_operator.home.identity import shown as named
from hal0_operator.model.settings import Settings
from hal0_operator.run import BadSettings, Parts, Place, load_settings
from hal0_operator.surfaces import CannotRun


def settings_of(paths: Paths, listen: str = "") -> Settings:
    """The settings with what the command line overrides.  Raises ``Failed``."""
    try:
        settings = load_settings(paths.config, named=paths.config_named)
    except CannotRun as failed:
        raise Failed(str(failed)) from None
    except BadSettings as bad:
        colours = colourful(sys.stderr)
        for problem in bad.problems:
            for line in shown.human(problem, bad.data, lambda text, colour: paint(text, colour, colours)):
                write_line(line, sys.stderr)
        raise Failed(f"{paths.config} has {len(bad.problems)} problem(s); nothing was started") from None
    changes = {"model_store": paths.model_store, "listen": listen}
    return msgspec.structs.replace(settings, **{key: value for key, value in changes.items() if value})


def parts_of(paths: Paths, *, listen: str = "", exclusive: bool = True) -> Parts:
    """Of the folder that was named, or of the repository in the settings.  Raises ``Failed``; for both, ``Usage``."""
    settings = settings_of(paths, listen)
    home = paths.home
    if settings.gitops is not None:
        home = named(settings.gitops)
        if paths.home_named:
            raise Usage(f"{paths.config} follows {home}, so no home is to be named: leave {paths.home} out")
    place = Place(home, paths.state_dir, paths.runtime_dir, paths.podman_url)
    try:
        return Parts(place, settings, exclusive=exclusive)
    except CannotRun as failed:
        raise Failed(str(failed)) from None
