"""Where the home is when the settings follow a repository: the folder of the revision that was last taken up."""

from hal0_operator.cli import inputs
from hal0_operator.cli.options import Failed, Paths
from hal0_operator.home.identity import identify, shown
from hal0_operator.model.settings import GitopsSettings, Settings
from hal0_operator.seams.git import GitFault


def located(paths: Paths, settings: Settings) -> Paths:
    """The same paths for a folder, or for a home that was named; else with the revision's folder as the home.

    Raises ``Failed`` when there is no revision yet.
    """
    if settings.gitops is None or paths.home_named:
        return paths
    return paths._replace(home=_folder(settings.gitops, settings, paths.state_dir))


def followed(paths: Paths, settings: Settings) -> str:
    """The repository as it is named to people; ``""`` for a folder."""
    return "" if settings.gitops is None or paths.home_named else shown(settings.gitops)


def _folder(gitops: GitopsSettings, settings: Settings, state_dir: str) -> str:
    from hal0_operator.loop.store import ForeignState, StateDir  # noqa: PLC0415 - only where a repository is followed
    from hal0_operator.run import repository_of  # noqa: PLC0415

    state = StateDir(inputs.files(), state_dir, identify(settings, ""), looks=True)
    git = repository_of(gitops, state_dir, lambda _: None)
    try:
        kept = [revision.commit for revision in git.kept()]
        hold = state.overrides().hold
        wanted = [hold.commit if hold else "", state.source().attempted, *kept]
        here = next((commit for commit in wanted if commit in kept), "")
        if here:
            return git.export(here)
    except (GitFault, ForeignState) as failed:
        raise Failed(str(failed)) from failed
    raise Failed(f"no revision of {shown(gitops)} is here yet: hal0ctl run fetches it")
