"""A seccomp filter through ctypes: system calls that a confined worker is refused. Linux on x86-64 alone.

Refused with EPERM, so that a library that tries says so: sockets, new processes and programs, signals to and limits of
others, tracing, namespaces, mounts, modules, links and devices, and every change of a file's mode, owner, times and
attributes. Threads and one end-to-end socket pair, which asyncio wants, are let through. Calls that are newer than this
table are unknown to it and get ENOSYS.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from pathlib import Path
from typing import Final

_AUDIT_ARCH_X86_64: Final = 0xC000003E
_ACTIONS: Final = Path("/proc/sys/kernel/seccomp/actions_avail")
_X32_BIT: Final = 0x40000000
_LAST_KNOWN: Final = 462
_KILL_PROCESS, _ALLOW, _ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
_LOAD, _AND, _EQUAL, _AT_LEAST, _ABOVE, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x25, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_SECCOMP, _SET_MODE_FILTER = 317, 1

_CLONE, _CLONE3, _CLONE_THREAD = 56, 435, 0x10000
_SOCKETPAIR, _AF_UNIX, _SOCK_STREAM, _TYPE_MASK = 53, 1, 1, 0xF
# Their first argument names the process they are for
_KILL, _TGKILL, _PRLIMIT64 = 62, 234, 302

REFUSED: Final[dict[str, int]] = {
    # The network
    "socket": 41,
    "connect": 42,
    "accept": 43,
    "bind": 49,
    "listen": 50,
    "accept4": 288,
    # Processes and programs
    "fork": 57,
    "vfork": 58,
    "execve": 59,
    "execveat": 322,
    # Others' processes
    "ptrace": 101,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "process_madvise": 440,
    "rt_sigqueueinfo": 129,
    "rt_tgsigqueueinfo": 297,
    "tkill": 200,
    "pidfd_send_signal": 424,
    "pidfd_open": 434,
    "pidfd_getfd": 438,
    "kcmp": 312,
    "setpriority": 141,
    "sched_setparam": 142,
    "sched_setscheduler": 144,
    "sched_setaffinity": 203,
    "sched_setattr": 314,
    "ioprio_set": 251,
    "migrate_pages": 256,
    "move_pages": 279,
    # Memory and messages shared with others
    "shmget": 29,
    "shmat": 30,
    "shmctl": 31,
    "semget": 64,
    "msgget": 68,
    "mq_open": 240,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    # Namespaces, mounts, the machine
    "chroot": 161,
    "pivot_root": 155,
    "mount": 165,
    "umount2": 166,
    "unshare": 272,
    "setns": 308,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "mount_setattr": 442,
    "acct": 163,
    "settimeofday": 164,
    "swapon": 167,
    "swapoff": 168,
    "reboot": 169,
    "sethostname": 170,
    "setdomainname": 171,
    "adjtimex": 159,
    "clock_settime": 227,
    "clock_adjtime": 305,
    "syslog": 103,
    "quotactl": 179,
    "quotactl_fd": 443,
    "init_module": 175,
    "delete_module": 176,
    "finit_module": 313,
    "kexec_load": 246,
    "kexec_file_load": 320,
    "bpf": 321,
    "perf_event_open": 298,
    "userfaultfd": 323,
    "fanotify_init": 300,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "name_to_handle_at": 303,
    "open_by_handle_at": 304,
    # Files: links and devices, and what Landlock leaves open
    "link": 86,
    "linkat": 265,
    "symlink": 88,
    "symlinkat": 266,
    "mknod": 133,
    "mknodat": 259,
    "chmod": 90,
    "fchmod": 91,
    "fchmodat": 268,
    "fchmodat2": 452,
    "chown": 92,
    "fchown": 93,
    "lchown": 94,
    "fchownat": 260,
    "utime": 132,
    "utimes": 235,
    "futimesat": 261,
    "utimensat": 280,
    "setxattr": 188,
    "lsetxattr": 189,
    "fsetxattr": 190,
    "removexattr": 197,
    "lremovexattr": 198,
    "fremovexattr": 199,
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def available() -> bool:
    """Whether this machine takes such a filter."""
    return platform.system() == "Linux" and platform.machine() == "x86_64" and _ACTIONS.exists()


def install() -> None:
    """From now on this process, and each of its threads, is refused these calls. Needs no_new_privs. Raises OSError."""
    program = _program(os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    handed = _Program(len(program) // 8, ctypes.cast(code, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_SECCOMP, ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(0), ctypes.byref(handed)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _program(pid: int) -> bytes:
    refuse = _step(_RETURN, _ERRNO | errno.EPERM)
    allow = _step(_RETURN, _ALLOW)
    unknown = _step(_RETURN, _ERRNO | errno.ENOSYS)
    steps = [
        _step(_LOAD, _ARCH),
        _step(_EQUAL, _AUDIT_ARCH_X86_64, 1, 0),
        _step(_RETURN, _KILL_PROCESS),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32_BIT, 0, 1),
        refuse,
        _step(_ABOVE, _LAST_KNOWN, 0, 1),
        unknown,
        _step(_EQUAL, _CLONE3, 0, 1),
        unknown,  # then the C library takes clone, whose flags can be seen
    ]
    for number in REFUSED.values():
        steps += [_step(_EQUAL, number, 0, 1), refuse]
    steps += _when(_CLONE, [_step(_LOAD, _ARGUMENTS), _step(_ANY_BIT, _CLONE_THREAD, 1, 0), refuse, allow])
    steps += _when(
        _SOCKETPAIR,
        [
            _step(_LOAD, _ARGUMENTS),
            _step(_EQUAL, _AF_UNIX, 1, 0),
            refuse,
            _step(_LOAD, _ARGUMENTS + 8),
            _step(_AND, _TYPE_MASK),
            _step(_EQUAL, _SOCK_STREAM, 1, 0),
            refuse,
            allow,
        ],
    )
    for number in (_KILL, _TGKILL):
        steps += _when(number, [_step(_LOAD, _ARGUMENTS), _step(_EQUAL, pid, 1, 0), refuse, allow])
    own = [_step(_LOAD, _ARGUMENTS), _step(_EQUAL, 0, 2, 0), _step(_EQUAL, pid, 1, 0), refuse, allow]
    steps += _when(_PRLIMIT64, own)
    return b"".join([*steps, allow])


def _when(number: int, body: list[bytes]) -> list[bytes]:
    """The body, which ends in a verdict, for one call; the accumulator holds the call's number before and after."""
    return [_step(_EQUAL, number, 0, len(body)), *body]


def _step(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, operand)
