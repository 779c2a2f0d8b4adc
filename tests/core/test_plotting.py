"""Charts on a server that has just started, when several visitors come at once."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ONE_IMPORTS_PANDAS_WHILE_ANOTHER_DRAWS = """
import importlib.abc, sys, threading, time
half_way = threading.Event()

class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "pandas.core.api":
            half_way.set()
            time.sleep(1)

sys.meta_path.insert(0, Slow())
threading.Thread(target=__import__, args=["pandas"]).start()
half_way.wait()
from mnist_core.views import figures_training
figures_training.compared_curves("loss", {"one": {"val_loss": [0.5, 0.25]}})
"""


def test_a_chart_is_drawn_while_another_thread_imports_pandas():
    """Regression: "partially initialized module 'pandas'", on two pages opened at once."""
    command = [sys.executable, "-c", ONE_IMPORTS_PANDAS_WHILE_ANOTHER_DRAWS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
