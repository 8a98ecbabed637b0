"""``make run``: image, model and home of the demo, then the operator in the foreground.

Everything lives in ``.run/`` of the checkout; what is there already is left as it is.
"""

import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.demo import image, model
from deploy.demo.containers_conf import settle
from deploy.demo.hostpython import PYTHON

CHECKOUT = Path(__file__).parents[2]
ROOT = CHECKOUT / ".run"
TEMPLATE = Path(__file__).with_name("home")
PODMAN = ["podman"]


@contextmanager
def step(what: str) -> Iterator[list[str]]:
    """One line with its time; the list's last entry says how it came out."""
    print(f"  {what:<14}", end="", flush=True)
    began, said = time.monotonic(), ["ready"]
    yield said
    print(f"{said[-1]} ({time.monotonic() - began:.1f} s)", flush=True)


def is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(first: int) -> int:
    """The first free port from ``first`` on; raises StopIteration after 100."""
    return next(port for port in range(first, first + 100) if is_free(port))


def write_home(home: Path) -> str:
    """The demo home, with free ports, where there is none yet."""
    if home.exists():
        return f"{_shown(home)} kept as it is"
    shutil.copytree(TEMPLATE, home)
    port = 8101
    for slot in sorted((home / "slots").glob("*.toml")):
        port = free_port(port)
        text = slot.read_text()
        slot.write_text("\n".join(f"port = {port}" if line.startswith("port =") else line for line in text.split("\n")))
        port += 1
    return f"written to {_shown(home)}"


def slot_port(home: Path, slot: str) -> str:
    """As the file says now; it is the user's to edit."""
    try:
        lines = (home / "slots" / f"{slot}.toml").read_text().splitlines()
    except OSError:
        return "PORT"
    return next((line.partition("=")[2].split("#")[0].strip() for line in lines if line.startswith("port")), "PORT")


def prepare() -> dict[str, str]:
    """Everything but the start; answers the environment for the operator."""
    environment = dict(os.environ)
    if os.getuid() != 0 and "XDG_RUNTIME_DIR" not in environment:
        runtime = Path(f"/run/user/{os.getuid()}")
        if not os.access(runtime, os.W_OK):
            runtime = Path(f"/tmp/hal0-runtime-{os.getuid()}")
            runtime.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = environment["XDG_RUNTIME_DIR"] = str(runtime)
    cache, conf = ROOT / "cache", ROOT / "containers.conf"
    with step("image") as said:
        llama = image.llama_image(cache)
        said.append("up to date")
        if not image.is_present(PODMAN, llama):
            image.load(PODMAN, [llama], cache)
            said.append(f"{image.NAME} built from {sys.executable}")
    with step("podman") as said:
        why, error = settle(PODMAN, image.NAME, [PYTHON, "-c", ""], conf)
        if error:
            raise SystemExit(f"\nPodman starts no container here: {error}\nTry `podman info` and `hal0ctl doctor`.")
        if why:
            said.append(f"{why}: {_shown(conf)} is used for the demo alone")
            environment["CONTAINERS_CONF"] = str(conf)
    with step("model") as said:
        said.append(model.fetch(ROOT / "models").name)
    with step("home") as said:
        said.append(write_home(ROOT / "home"))
    return environment


def _shown(path: Path) -> str:
    return os.path.relpath(path)


def main() -> None:
    ROOT.mkdir(exist_ok=True)
    os.chdir(CHECKOUT)
    print("Preparing the demo")
    environment = prepare()
    home, listen = ROOT / "home", f"127.0.0.1:{free_port(8080)}"
    question = '{"messages":[{"role":"user","content":"Name three colours."}],"max_tokens":60}'
    print(f"""
When chat is Ready, ask it (in another terminal):

  curl -s http://127.0.0.1:{slot_port(home, "chat")}/v1/chat/completions -d '{question}'

Then edit its file, for instance context_size, save, and watch the table:

  {home}/slots/chat.toml

State is at http://{listen}/api/slots. Ctrl-C stops the operator; the containers go on.
""")
    command = ["hal0ctl", "run", "--home", str(home), "--state-dir", str(ROOT / "state")]
    command += ["--model-store", str(ROOT / "models"), "--listen", listen, "--watch", *sys.argv[1:]]
    os.execve(CHECKOUT / ".venv/bin/hal0ctl", command, environment)


if __name__ == "__main__":
    main()
