"""The balancer, the compose file and the app's own configuration say the same."""

import inspect
import re
import tomllib
from pathlib import Path

import uvicorn

ROOT = Path(__file__).resolve().parents[2]
NGINX = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")


def test_the_balancer_lets_through_what_the_app_takes():
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    (limit_mb,) = re.findall(r"client_max_body_size (\d+)m;", NGINX)
    assert int(limit_mb) == settings["server"]["maxUploadSize"] + 1


def test_the_balancer_never_asks_on_a_connection_that_a_copy_is_about_to_close():
    """Such a request, and the visitor with it, would go to another copy."""
    assert re.findall(r"keepalive_timeout (\d+)s;", NGINX) == ["2"] * NGINX.count("keepalive 32;")
    assert inspect.signature(uvicorn.Config).parameters["timeout_keep_alive"].default > 2 + 1


def test_every_copy_of_the_compose_file_is_known_to_the_balancer():
    copies = re.findall(r"^  (copy-\w+):\n(?:    .*\n)*?      STREAMLIT_SERVER_PORT: (\d+)",
                        COMPOSE, re.MULTILINE)  # fmt: skip
    assert len(copies) == 2
    for name, port in copies:
        assert NGINX.count(f"server {name}:{port} max_fails=0") == 3
        assert f"~:{port}$ {name.removeprefix('copy-')};" in NGINX
        assert re.search(rf"- {name}:172\.30\.77\.\d+\n", COMPOSE)


def test_the_image_holds_no_data_runs_or_secrets():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[1] == "*"
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert allowed == {
        "app.py", "pages", "mnist_core", "requirements.txt", ".streamlit/config.toml", "artifacts",
    }  # fmt: skip
    not_for_others = {"active.json", "cache", "people.db*", "runs", "*/checkpoint"}
    assert {f"artifacts/{name}" for name in not_for_others} <= set(ignored)
