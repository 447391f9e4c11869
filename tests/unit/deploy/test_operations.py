"""What operators deploy names only what there is: metrics, settings, commands, files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from oracle.cli.main import app
from oracle.daemon.metrics import Metrics
from oracle.settings import PROJECT_ROOT, Settings

DEPLOY = PROJECT_ROOT / "deploy"
METRIC = re.compile(r"\bplumbline_[a-z_]+")
SETTING = re.compile(r"\bPLUMBLINE_[A-Z_]+")


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    """The names under which Prometheus stores what the service tells."""
    names = set()
    for family in Metrics().registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        names |= {family.name + suffix for suffix in suffixes}
    return names


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]:
        yield from group["rules"]


def dashboard() -> dict[str, Any]:
    return dict(json.loads((DEPLOY / "grafana" / "plumbline.json").read_text()))


def test_alerts__every_metric__is_one_of_the_services(metrics: set[str]) -> None:
    used = {name for rule in rules() for name in METRIC.findall(rule["expr"])}
    assert used
    assert used <= metrics, used - metrics


def test_alerts__every_rule__says_how_bad_and_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        assert rule["annotations"]["action"], rule["alert"]
        assert rule["for"], rule["alert"]


def test_dashboard__every_metric__is_one_of_the_services(metrics: set[str]) -> None:
    shown = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    used = {name for expression in shown for name in METRIC.findall(expression)}
    assert used
    assert used <= metrics, used - metrics


def test_dashboard__panels__have_their_own_ids_and_places() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "systemd/plumbline.service"])
def test_deployment__every_setting__is_one(name: str) -> None:
    known = {f"PLUMBLINE_{field.upper()}" for field in Settings.model_fields} | {"PLUMBLINE_SOURCE"}
    used = set(SETTING.findall((DEPLOY / name).read_text()))
    assert used
    assert used <= known, used - known


def test_dockerfile__what_it_copies_and_runs__exists() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copied = [word for line in re.findall(r"^COPY (?!--)(.+)$", text, re.M) for word in line.split()[:-1]]
    assert copied
    assert [word for word in copied if not (PROJECT_ROOT / word).exists()] == []
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert json.loads(re.findall(r"^CMD (\[.+\])$", text, re.M)[-1])[0] in commands


def test_compose__files_and_volumes__are_declared() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for service in compose["services"].values():
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).is_dir(), volume
    build = compose["services"]["plumbline"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_systemd_unit__systemd__finds_no_fault(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    text = (DEPLOY / "systemd" / "plumbline.service").read_text()
    unit = tmp_path / "plumbline.service"
    unit.write_text(text.replace("/opt/plumbline/.venv/bin/plumbline", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert "plumbline.service" not in done.stderr, done.stderr
