"""The few calls of the Linux kernel that a sandbox is made of and that Python has no names for.

Linux man-pages: unshare(2), mount(2), pivot_root(2), prctl(2), capset(2), landlock(7), seccomp(2).
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Final

CLONE_NEWNS: Final = 0x0002_0000
CLONE_NEWUTS: Final = 0x0400_0000
CLONE_NEWIPC: Final = 0x0800_0000
CLONE_NEWUSER: Final = 0x1000_0000
CLONE_NEWPID: Final = 0x2000_0000

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_REMOUNT: Final = 0x20
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x4_0000
MNT_DETACH: Final = 0x2

_PR_SET_DUMPABLE: Final = 4
_PR_SET_CHILD_SUBREAPER: Final = 36
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_FILTER_STEP_BYTES: Final = 8
_CAPABILITY_VERSION_3: Final = 0x2008_0522

_LANDLOCK_CREATE_RULESET: Final = 444
_LANDLOCK_ADD_RULE: Final = 445
_LANDLOCK_RESTRICT_SELF: Final = 446
_LANDLOCK_RULE_PATH_BENEATH: Final = 1
_LANDLOCK_VERSION_FLAG: Final = 1
# By version of Landlock: how many of the rights on files, counted from bit 0, it knows.
_LANDLOCK_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
_LANDLOCK_FILE_RIGHTS_LATEST: Final = 16
_LANDLOCK_SCOPES_SINCE: Final = 6
# Sockets with abstract names, and signals, of processes outside.
_LANDLOCK_SCOPES: Final = 0b11
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL = 1, 2, 4, 8, 1 << 14, 1 << 15
_READING: Final = _EXECUTE | _READ_FILE | _READ_DIR
_ON_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL

_libc: Final = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Move this process (with CLONE_NEWPID: its children) into namespaces of its own."""
    _check(_libc.unshare(flags), "unshare")


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """Mount something."""
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    what = f"mount {target}"
    _check(_libc.mount(*texts, ctypes.c_ulong(flags), None if data is None else data.encode()), what)


def bind(source: str, target: str, *, read_only: bool = True) -> None:
    """Let a file or folder appear in a second place, without set-uid programs and, mostly, without writing."""
    mount(source, target, None, MS_BIND)
    if read_only:
        mount(None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID)


def pivot_root(folder: str) -> None:
    """Make a folder, which is a mount point, the root, and let go of the old one with all that was in it."""
    os.chdir(folder)
    _check(_libc.pivot_root(b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parents end."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def drop_capabilities() -> None:
    """Give up every capability."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, bytes(24)), "capset")


def set_dumpable() -> None:
    """Let this process read what /proc says of itself, which a change of its user forbids."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl")


def refuse_new_privileges() -> None:
    """Let no program that is executed from here on gain anything."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def filter_calls(program: bytes) -> None:
    """Have the kernel ask a filter, in its packet-filter language, before each call from here on."""
    buffer = ctypes.create_string_buffer(program, len(program))
    pointer = struct.pack("@HxxxxxxP", len(program) // _FILTER_STEP_BYTES, ctypes.addressof(buffer))
    _check(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, pointer, 0, 0), "seccomp")


def landlock_version() -> int:
    """Return the version of Landlock, 0 where there is none."""
    return max(0, int(_libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION_FLAG)))


def landlock(readable: list[str], writable: list[str]) -> None:
    """Allow only what lies below these paths, for reading and executing, or for everything."""
    version = landlock_version()
    if not version:
        return
    rights = (1 << _LANDLOCK_FILE_RIGHTS.get(version, _LANDLOCK_FILE_RIGHTS_LATEST)) - 1
    scopes = _LANDLOCK_SCOPES if version >= _LANDLOCK_SCOPES_SINCE else 0
    attributes = struct.pack("=QQQ", rights, 0, scopes)
    size = 24 if scopes else 8
    rules = _check(_libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, size, 0), "landlock_create_ruleset")
    try:
        for paths, allowed in ((readable, _READING), (writable, rights)):
            for path in paths:
                _allow_beneath(rules, path, allowed & rights)
        _check(_libc.syscall(_LANDLOCK_RESTRICT_SELF, rules, 0), "landlock_restrict_self")
    finally:
        os.close(rules)


def _allow_beneath(rules: int, path: str, allowed: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            allowed &= _ON_FILES
        rule = struct.pack("=Qi", allowed, place)
        arguments = (_LANDLOCK_ADD_RULE, rules, _LANDLOCK_RULE_PATH_BENEATH, rule, 0)
        _check(_libc.syscall(*arguments), f"landlock {path}")
    finally:
        os.close(place)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
