"""Landlock through ctypes: which paths this process may read or write from now on. Sources: landlock(7), kernel uapi.

What Landlock does not govern is stat, chmod, chown, times and attributes; oracle.proving.workers.seccomp takes the
last four away. Links, sockets, pipes and devices cannot be made anywhere.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

# Before it a file outside could be emptied (Linux 6.2)
LEAST_ABI: Final = 3

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_DIR, _MAKE_REG = 1 << 7, 1 << 8
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_ALL_FS: Final = (1 << 15) - 1
_ALL_TCP: Final = 0b11  # bind and connect
_ALL_SCOPES: Final = 0b11  # abstract unix sockets, and signals
_READ: Final = _READ_FILE | _READ_DIR
_CHANGE: Final = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER | _TRUNCATE
_OF_A_FILE: Final = _READ_FILE | _WRITE_FILE | _TRUNCATE

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """The kernel's version of Landlock; 0 where it has none."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))))


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """From now on this process reads only beneath `readable` and changes only what is beneath `writable`.

    Paths that are not there, or not for this user, are left out. TCP and signals to others end too where the kernel can
    do that. Needs no_new_privs, and one thread. Raises OSError.
    """
    version = abi()
    rules = _Ruleset(_ALL_FS | (_IOCTL_DEV if version >= 5 else 0), _ALL_TCP, _ALL_SCOPES)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0)))
    try:
        for paths, allowed in ((readable, _READ), (writable, _CHANGE)):
            for path in paths:
                _allow(ruleset, path, allowed)
        _checked(_libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, allowed: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        rule = _PathBeneath(allowed if path.is_dir() else allowed & _OF_A_FILE, parent)
        _checked(
            _libc.syscall(
                _ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0)
            )
        )
    finally:
        os.close(parent)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(result)
