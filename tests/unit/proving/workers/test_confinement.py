"""Attacks from inside: code that has taken a confined worker over tries to get out, to take all, or to mislead."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from oracle.proving.workers.confinement import MECHANISMS, Confinement, exposed, libraries, missing
from oracle.proving.workers.pool import (
    ToolError,
    Worker,
    WorkerFailed,
    WorkerOutOfMemory,
    WorkerOverstepped,
    WorkerTimeout,
)
from oracle.settings import PROJECT_ROOT

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"this kernel lacks {', '.join(missing())}")

# A worker whose operations are Python: what a stranger's file would have it run after it has taken it over
TAKEN_OVER = """
import json, os, sys
from oracle.proving.workers.process import _claim_streams
from oracle.proving.workers.confinement import confine
requests, answers = _claim_streams()
confine(sys.argv[1])
for line in requests:
    request = json.loads(line)
    scope = {"answers": answers}
    try:
        exec(request["args"]["code"], scope)
        answer = {"id": request["id"], "result": scope.get("result")}
    except BaseException as error:
        answer = {"id": request["id"], "error": f"{type(error).__name__}: {error}", "kind": "tool", "log": []}
    answers.write(json.dumps(answer) + "\\n")
    answers.flush()
"""


class TakenOver(Worker):
    """A confined worker that does as the attacker says."""

    program = ("-c", TAKEN_OVER)

    def attack(self, code: str, timeout: float = 20.0) -> Any:
        """What the code leaves in `result`. Raises ToolError with the error that it ended with."""
        return self.call("attack", code=code, timeout=timeout)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def shared(home: Path) -> Iterator[TakenOver]:
    (home / "scratch").mkdir()
    confinement = Confinement(home / "scratch", cpu_secs=60, folder_mb=64)
    with TakenOver(memory_mb=512, confinement=confinement) as worker:
        yield worker


@pytest.fixture
def inside(shared: TakenOver) -> Iterator[TakenOver]:
    """The one worker; whatever a test filled its folder with is gone after it."""
    yield shared
    for path in shared.folder.iterdir():
        if path.is_file() and path.name != "stderr":
            path.unlink()


@pytest.fixture
def secret(home: Path) -> Path:
    """A file of the service, beside the folder that the worker has."""
    path = home / "keystore.json"
    path.write_text("a key")
    return path


def refused(inside: TakenOver, code: str) -> str:
    with pytest.raises(ToolError) as caught:
        inside.attack(code)
    return caught.value.message


def test_missing__this_machine__confines(inside: TakenOver) -> None:
    assert missing() == ()
    assert inside.attack("result = 6 * 7") == 42


# --- the network


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"])
def test_confine__socket__is_refused(inside: TakenOver, family: str) -> None:
    assert "PermissionError" in refused(inside, f"import socket; socket.socket(socket.{family}, socket.SOCK_DGRAM)")


def test_confine__inherited_listener__cannot_be_reached_by_a_pair(inside: TakenOver) -> None:
    """The one socket that it may make is a connected stream, which reaches nobody."""
    assert inside.attack("import socket; a, b = socket.socketpair(); a.send(b'x'); result = len(b.recv(1))") == 1
    assert "PermissionError" in refused(inside, "import socket; socket.socketpair(type=socket.SOCK_DGRAM)")
    assert "PermissionError" in refused(inside, "import socket; a, b = socket.socketpair(); a.connect('/dev/log')")


def test_confine__network_namespace__has_no_interface_that_is_up(inside: TakenOver) -> None:
    own = inside.attack("import os; result = os.stat('/proc/self/ns/net').st_ino")
    assert own != Path("/proc/self/ns/net").stat().st_ino


def test_confine__service_on_loopback__is_not_there(inside: TakenOver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "PermissionError" in refused(inside, f"import socket; socket.create_connection(('127.0.0.1', {port}))")


# --- files


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/shadow", "/proc/self/environ", "/root", "/home", "/var"])
def test_confine__reads_outside__are_refused(inside: TakenOver, path: str) -> None:
    read = "os.listdir" if Path(path).is_dir() else "open"
    assert "PermissionError" in refused(inside, f"import os; {read}({path!r})")


def test_confine__keystore_and_its_folder__are_refused(inside: TakenOver, secret: Path) -> None:
    assert "PermissionError" in refused(inside, f"open({str(secret)!r})")
    assert "PermissionError" in refused(inside, f"import os; os.listdir({str(secret.parent)!r})")
    assert "PermissionError" in refused(inside, "open('../../keystore.json')")
    assert "PermissionError" in refused(inside, f"import os; os.chdir({str(secret.parent)!r}); open('keystore.json')")


@pytest.mark.parametrize(
    "change",
    [
        "open({0!r}, 'w')",
        "open({0!r}, 'a')",
        "os.truncate({0!r}, 0)",
        "os.unlink({0!r})",
        "os.rename({0!r}, 'mine')",
        "os.chmod({0!r}, 0o777)",
        "os.chown({0!r}, 1, 1)",
        "os.utime({0!r})",
        "os.link({0!r}, 'mine')",
        "os.setxattr({0!r}, 'user.x', b'')",
        "os.mkdir({0!r} + '.d')",
        "open({0!r} + '.new', 'x')",
    ],
)
def test_confine__changes_outside__are_refused(inside: TakenOver, secret: Path, change: str) -> None:
    before = secret.stat()
    message = refused(inside, f"import os; {change.format(str(secret))}")
    assert "PermissionError" in message or "Invalid cross-device link" in message
    assert (secret.read_text(), secret.stat().st_mode, secret.stat().st_mtime_ns) == (
        "a key",
        before.st_mode,
        before.st_mtime_ns,
    )
    assert sorted(path.name for path in secret.parent.iterdir()) == ["keystore.json", "scratch"]


def test_confine__another_workers_folder__is_refused(tmp_path: Path) -> None:
    confinement = Confinement(tmp_path, private=True)
    with (
        TakenOver(memory_mb=512, confinement=confinement) as one,
        TakenOver(memory_mb=512, confinement=confinement) as other,
    ):
        one.attack("open('mine', 'w').write('x')")
        for action in ("open({0!r})", "open({0!r}, 'w')", "import os; os.unlink({0!r})"):
            assert "PermissionError" in refused(other, action.format(str(one.folder / "mine")))


def test_confine__link_to_a_secret__cannot_be_left_for_the_service(inside: TakenOver, secret: Path) -> None:
    """The service reads what the worker has written; it must be nothing else's content."""
    assert "PermissionError" in refused(inside, f"import os; os.symlink({str(secret)!r}, 'vk.key')")
    assert "PermissionError" in refused(inside, "import os; os.mkfifo('vk.key')")


def test_confine__parents_memory_and_environment__are_refused(inside: TakenOver) -> None:
    for name in ("environ", "mem", "maps", "cmdline", "fd/0"):
        assert "PermissionError" in refused(inside, f"open('/proc/{os.getpid()}/{name}')")


def test_confine__program_code__cannot_be_changed(inside: TakenOver) -> None:
    source = PROJECT_ROOT / "oracle" / "units.py"
    assert inside.attack(f"result = open({str(source)!r}).read(3)")
    assert "PermissionError" in refused(inside, f"open({str(source)!r}, 'a')")


def test_confine__environment__holds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_OPERATOR_KEY", "0xsecret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with TakenOver(memory_mb=512, confinement=Confinement(tmp_path)) as worker:
        environment = worker.attack("import os; result = dict(os.environ)")
    allowed = {"LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "EZKL_REPO_PATH", "PYTHONPATH", "HOME", "TMPDIR"}
    allowed |= {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "PYTHONDONTWRITEBYTECODE", "RAYON_NUM_THREADS"}
    assert set(environment) <= allowed
    assert "secret" not in str(environment)


def test_confine__open_files__are_its_own_three_and_the_protocols(inside: TakenOver) -> None:
    found = inside.attack(
        "import os\nresult = 0\nfor fd in range(3, 200):\n try: os.fstat(fd); result += 1\n except OSError: pass"
    )
    assert found == 3  # requests, answers, and the null device that 0 was pointed to


# --- processes


def test_confine__fork_bomb__ends_at_the_first_fork(inside: TakenOver) -> None:
    assert "PermissionError" in refused(inside, "import os\nwhile True: os.fork()")
    assert psutil.Process(inside.pid).children(recursive=True) == []


def test_confine__programs__are_refused(inside: TakenOver) -> None:
    assert "PermissionError" in refused(inside, "import os; os.execv('/bin/sh', ['sh'])")
    assert "PermissionError" in refused(inside, "import subprocess; subprocess.run(['/bin/true'])")


def test_confine__signals_and_limits_of_the_service__are_refused(inside: TakenOver) -> None:
    assert "PermissionError" in refused(inside, f"import os; os.kill({os.getpid()}, 9)")
    assert "PermissionError" in refused(inside, "import os; os.kill(-1, 9)")
    assert "PermissionError" in refused(
        inside, f"import resource; resource.prlimit({os.getpid()}, resource.RLIMIT_NOFILE, (1, 1))"
    )
    assert "PermissionError" in refused(inside, f"import os; os.setpriority(os.PRIO_PROCESS, {os.getpid()}, 19)")


def test_confine__confining_less__is_refused(inside: TakenOver) -> None:
    assert "ValueError" in refused(
        inside, "import resource as r; r.setrlimit(r.RLIMIT_AS, (r.RLIM_INFINITY, r.RLIM_INFINITY))"
    )
    unshare = "import ctypes; l = ctypes.CDLL(None, use_errno=True); result = l.unshare(0x10000000)"
    assert inside.attack(unshare) == -1


def test_confine__threads_without_end__is_killed(inside: TakenOver) -> None:
    code = "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    with pytest.raises(WorkerOverstepped, match=r"attack runs \d+ threads"):
        inside.attack(code)
    assert inside.pid is None


def test_confine__threads_left_behind_by_an_answer__are_killed(inside: TakenOver) -> None:
    code = "import threading\nhold = threading.Event()\n"
    code += "for _ in range(200): threading.Thread(target=hold.wait, args=(60,), daemon=True).start()\nresult = 1"
    with pytest.raises(WorkerOverstepped, match=r"attack runs \d+ threads"):
        inside.attack(code)
    assert inside.pid is None


# --- taking all


def test_confine__memory_without_bound__is_killed_or_refused(inside: TakenOver) -> None:
    with pytest.raises((WorkerOutOfMemory, ToolError), match=r"grew to \d+ MB of 512 MB|MemoryError"):
        inside.attack("taken = []\nwhile True: taken.append(bytearray(16 << 20))")


def test_confine__address_space__is_bounded(inside: TakenOver) -> None:
    assert "MemoryError" in refused(inside, "bytearray(64 << 30)")


def test_confine__spinning_for_ever__is_killed_in_time(inside: TakenOver) -> None:
    with pytest.raises(WorkerTimeout):
        inside.attack("import signal; signal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass", timeout=1.0)
    assert inside.pid is None


def test_confine__cpu_seconds__end_it(tmp_path: Path) -> None:
    confinement = Confinement(tmp_path, cpu_secs=1)
    with TakenOver(memory_mb=512, confinement=confinement) as worker, pytest.raises(WorkerFailed, match="code -9"):
        worker.attack("while True: pass", timeout=60)


def test_confine__files_larger_or_more_than_allowed__end_it(inside: TakenOver) -> None:
    with pytest.raises((ToolError, WorkerFailed), match=r"File too large|code -25"):
        inside.attack("open('big', 'wb').truncate(65 << 20)")
    many = "import os, time\nfor i in range(10_000): os.close(os.open(f'f{i}', os.O_CREAT))\ntime.sleep(30)"
    with pytest.raises(WorkerOverstepped, match="more than 4096 files"):
        inside.attack(many)


def test_confine__folder_filled_by_many_files__is_killed(inside: TakenOver) -> None:
    fill = "import time\nfor i in range(3): open(f'f{i}', 'wb').truncate(60 << 20)\ntime.sleep(30)"
    with pytest.raises(WorkerOverstepped, match="filled its folder with 180 MB of 64 MB"):
        inside.attack(fill)


# --- misleading the service


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("'[' * 100_000 + '\\n'", "nested deeper"),
        ("'no json\\n'", "no answer"),
        ('\'{"id": 999, "result": 1}\\n\'', "no answer"),
        ("'[1]\\n'", "no answer"),
        ("'{\"id\": 1}\\n'", "no answer"),
        ('\'{"id": 1, "error": 1}\\n\'', "no answer"),
    ],
)
def test_call__nonsense_for_an_answer__is_refused(inside: TakenOver, said: str, why: str) -> None:
    with pytest.raises(WorkerOverstepped, match=why):
        inside.attack(f"import time; answers.write({said}); answers.flush(); time.sleep(30)")
    assert inside.pid is None


def test_call__half_an_answer__does_not_hold_the_service(inside: TakenOver) -> None:
    started = time.monotonic()
    with pytest.raises(WorkerTimeout):
        inside.attack("import time; answers.write('half'); answers.flush(); time.sleep(60)", timeout=1.0)
    assert time.monotonic() - started < 30


def test_call__worker_that_does_not_read__does_not_hold_the_service(inside: TakenOver) -> None:
    inside.attack("result = 1")
    assert inside.pid is not None
    psutil.Process(inside.pid).suspend()
    with pytest.raises(WorkerOverstepped, match="was not taken"):
        inside.call("attack", code="#" * (1 << 20), timeout=0.5)


# --- nothing fails open


def test_confine__kernel_without_a_mechanism__does_not_start(tmp_path: Path) -> None:
    """Landlock's restriction taken away, as on an older kernel."""

    class OlderKernel(Worker):
        program = ("-c", "from oracle.proving.workers import landlock; landlock.abi = lambda: 1\n" + TAKEN_OVER)

    said = "does not confine a worker: no landlock"
    strict = Confinement(tmp_path)
    with OlderKernel(memory_mb=512, confinement=strict) as worker, pytest.raises(WorkerFailed, match=said):
        worker.call("attack", code="result = 1")
    with OlderKernel(memory_mb=512, confinement=Confinement(tmp_path, weaker=True)) as worker:
        assert worker.call("attack", code="result = 1") == 1
        with pytest.raises(ToolError, match="PermissionError"):
            worker.call("attack", code="import socket; socket.socket()")


def test_exposed__what_every_worker_reads__is_told(tmp_path: Path) -> None:
    assert not exposed(tmp_path / "state")
    assert exposed(Path(sys.modules["pytest"].__file__ or "").parent)
    assert set(MECHANISMS) == {"namespace", "landlock", "seccomp"}
    assert not any(PROJECT_ROOT.is_relative_to(path) for path in libraries())
