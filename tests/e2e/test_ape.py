"""eth-ape as a contract team uses it, through scripts/ape: compile and test, deploy. No network."""

from __future__ import annotations

import subprocess

import pytest

from oracle.settings import PROJECT_ROOT


def ape(*arguments: str) -> str:
    """What scripts/ape prints; it must succeed."""
    command = [str(PROJECT_ROOT / "scripts" / "ape"), *arguments]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout + done.stderr


@pytest.mark.slow
def test_ape__compile__up_to_date_with_every_contract() -> None:
    ape("compile")


@pytest.mark.slow
def test_ape__test_suite_on_its_own_anvil__passes() -> None:
    assert " passed" in ape("test", "--network", "ethereum:local:foundry")


@pytest.mark.slow
def test_ape__run_deploy__prints_the_core_addresses() -> None:
    output = ape("run", "deploy", "--network", "ethereum:local:foundry")
    for name in ("ModelRegistry", "InferenceVerifier", "ObservationFeed", "GarchVolatilityModule"):
        assert f"{name:24}0x" in output
