"""Two copies of the app behind nginx on this machine, as `deploy/nginx.conf` describes them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import serving
from benchmarks.serving import ROOT, free_port, own_artifacts, wait_until_healthy
from mnist_core.files import write_json

CONFIGURATION = ROOT / "deploy" / "nginx.conf"
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
OTHER_RUN = "20260101-000000-other"  # a run that the Retrain page can put behind "cnn"
OTHER_TITLE = "Another CNN"


class Balanced:
    """Two copies of the app, "a" and "b", over one artifacts folder, and the balancer's address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.artifacts = folder / "artifacts"
        self.ports = {"a": free_port(), "b": free_port()}
        self.listens = free_port()
        self.url = f"http://127.0.0.1:{self.listens}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start a copy, at home in a folder of its own as on another machine; wait for it."""
        home = self.folder / f"home-{name}"
        home.mkdir(exist_ok=True)
        self.processes[name] = serving.start(
            self.ports[name],
            environment={"MNIST_ARTIFACTS": str(self.artifacts), "HOME": str(home)},
            log=self.folder / f"copy-{name}.log",
        )

    def wait_for(self, name: str) -> None:
        """Return once a copy answers. Raises TimeoutError."""
        wait_until_healthy(f"http://127.0.0.1:{self.ports[name]}")

    def revive(self, name: str) -> None:
        """Start a copy if it was killed; wait for it."""
        if self.processes[name].poll() is not None:
            self.start(name)
        self.wait_for(name)

    def kill(self, name: str) -> None:
        """End a copy as `kill -9` does."""
        self.processes[name].kill()
        self.processes[name].wait()

    def requests(self) -> list[tuple[str, str]]:
        """Return for every request so far the copy that the cookie named and the one that answered.

        "-" where there was no cookie; "" where the balancer answered from its cache.
        """
        log = (self.folder / "access.log").read_text(encoding="utf-8")
        return re.findall(r"^\S+ \d+ (\S+)->(\w*) ", log, re.MULTILINE)


@contextmanager
def balanced(folder: Path) -> Iterator[Balanced]:
    """Serve two copies and the balancer from a folder of their own; end all of them afterwards.

    The artifacts are copies of the networks that ship, beside them one run that has finished.
    """
    site = Balanced(folder)
    _finished_run(own_artifacts(site.artifacts))
    for name in site.ports:
        site.start(name)
    # Started by root, nginx would work as somebody who may not write here.
    how = "daemon off; user root;" if os.getuid() == 0 else "daemon off;"
    command = [
        str(NGINX),
        "-e",
        "stderr",
        "-p",
        f"{folder}/",
        "-c",
        str(_configure(site)),
        "-g",
        how,
    ]
    with (folder / "access.log").open("ab") as log:
        nginx = subprocess.Popen(command, stdout=log)
    try:
        for name in site.ports:
            site.wait_for(name)
        wait_until_healthy(site.url)
        yield site
    finally:
        nginx.terminate()
        nginx.wait()
        for process in site.processes.values():
            process.kill()
            process.wait()


def configure(listens: int, ports: dict[str, int]) -> str:
    """Return the shipped configuration with this machine's ports in it, and nothing else changed.

    listens: the balancer's port; ports: those of the copies "a" and "b".
    """
    text = CONFIGURATION.read_text(encoding="utf-8").replace("listen 8080;", f"listen {listens};")
    for shipped, name in (("8501", "a"), ("8502", "b")):
        text = text.replace(f"copy-{name}:{shipped}", f"127.0.0.1:{ports[name]}")
        text = text.replace(f"~:{shipped}$", f"~:{ports[name]}$")
    return text


def _finished_run(artifacts: Path) -> None:
    """Make the network that ships look like one that was trained here."""
    run = artifacts / "runs" / OTHER_RUN
    shutil.copytree(artifacts / "cnn", run)
    write_json(run / "config.json", {"recipe": "cnn", "title": OTHER_TITLE, "requested_at": 1.8e9})
    write_json(run / "outcome.json", {"state": "finished", "ended_at": 1.8e9})


def _configure(site: Balanced) -> Path:
    path = site.folder / "nginx.conf"
    path.write_text(configure(site.listens, site.ports), encoding="utf-8")
    return path
