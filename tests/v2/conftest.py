"""The hosts of tests/containers."""
import importlib.util
import pathlib
import sys

_PATH = pathlib.Path(__file__).resolve().parents[1] / "containers/conftest.py"
_SPEC = importlib.util.spec_from_file_location("containers_conftest", _PATH)
sys.modules["containers_conftest"] = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(sys.modules["containers_conftest"])
from containers_conftest import node, programs  # noqa: E402, F401
