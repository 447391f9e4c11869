"""Storage layouts and code sizes against the committed ones. PLUMBLINE_UPDATE_GAS=1 writes what is compiled instead."""

from __future__ import annotations

import json
import os
from typing import Final

from oracle.settings import PROJECT_ROOT, Settings
from tests.support.gas import UPDATE
from tests.support.layouts import found

SNAPSHOT: Final = PROJECT_ROOT / "tests" / "contracts" / "layouts.json"


def test_layouts__every_pinned_contract__as_recorded(settings: Settings, compiled: object) -> None:
    actual = found(settings)
    if os.environ.get(UPDATE):
        SNAPSHOT.write_text(json.dumps(actual, indent=1) + "\n")
    assert json.loads(SNAPSHOT.read_text()) == actual
