"""What is known of the local images, and how long."""

from hal0_operator.model.action import Done, ImagesListed, Key, ListImages, Pull
from hal0_operator.model.memory import Memory
from hal0_operator.model.settings import Settings
from hal0_operator.reconcile.core import IMAGES
from hal0_operator.reconcile.reconciler import Reconciler


def looking() -> Reconciler:
    """A loop whose list of images is in flight."""
    core = Reconciler("h1", Settings(), Memory(), lambda _share: 1.0)
    core.queue.add(IMAGES)
    assert core.begin(IMAGES, 0.0) is not None
    return core


def answered(core: Reconciler, images: dict[str, str]) -> None:
    core.end(IMAGES, ListImages(), ImagesListed(images), 1.0)


def test_a_list_that_began_before_an_image_came_is_not_believed():
    core = looking()
    core.images_changed()
    answered(core, {})
    assert not core.world.images_fresh
    assert IMAGES in core.due(1.0), "another look is on its way"


def test_a_list_that_began_before_a_pull_ended_is_not_believed():
    core = looking()
    core.pulls.begin("localhost/a:1", {"localhost/a:1"}, 0.0)
    pull = Key("pull", "localhost/a:1")
    core.begun[pull] = (core.tick, 0.0)
    core.end(pull, Pull("localhost/a:1", "wanted"), Done(), 0.5)
    answered(core, {})
    assert not core.world.images_fresh


def test_a_list_that_began_afterwards_is():
    core = Reconciler("h1", Settings(), Memory(), lambda _share: 1.0)
    core.images_changed()
    assert core.begin(IMAGES, 0.0) is not None
    answered(core, {"localhost/a:1": "1"})
    assert core.world.images_fresh
    assert core.world.images == {"localhost/a:1": "1"}
