"""Whether inputs that were admitted once obey the policy in force now."""

from hal0_operator.admission.rules import device_policy, image_policy, mount_policy, secret_policy
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.profile import CLASS_OF_FAMILY, Profile
from hal0_operator.model.settings import Settings

CHECKS = (image_policy.check_profile, mount_policy.check, device_policy.check, secret_policy.check_profile)


def allows(inputs: LaunchInputs, settings: Settings) -> bool:
    """By the rules of a home's own profile, whatever the inputs came from."""
    made = Profile(
        name=inputs.slot,
        image=inputs.image,
        device_class=CLASS_OF_FAMILY[inputs.family],
        env=inputs.env,
        mounts=inputs.mounts,
        devices=inputs.devices,
    )
    return not any(problem for check in CHECKS for problem in check(made, settings))
