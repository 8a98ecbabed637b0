"""From an admitted slot to its launch inputs, and from those to needs, a container and its probe.

``inputs`` makes targets of slots; a family's module makes everything else of launch inputs.
Inputs are what home and settings say and are hashed; rendering adds what the host says.
"""

from hal0_operator.model.profile import Family
from hal0_operator.runtimes import comfyui, flm, kokoro, llama_server
from hal0_operator.runtimes.protocol import FamilyModule

FAMILIES: dict[Family, FamilyModule] = {
    "llama-server": llama_server,
    "flm": flm,
    "kokoro": kokoro,
    "comfyui": comfyui,
}


def family(name: Family) -> FamilyModule:
    return FAMILIES[name]
