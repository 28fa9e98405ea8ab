"""The calls of the kernel that no function needs, refused with EPERM: seccomp(2).

Mounting, tracing, kernel modules, keys, namespaces, other processes' memory, the machine's clock, and calls that
have often been a way out of a sandbox.
"""

from __future__ import annotations

import platform
import struct
from typing import Final

from fogbank.runtimes.inside.kernel import kernel_calls

# By name: the numbers on x86_64 and aarch64 (Linux, include/uapi/asm-generic/unistd.h); 0 where there is none.
REFUSED: Final = {
    "acct": (163, 89), "add_key": (248, 217), "bpf": (321, 280), "chroot": (161, 51), "clock_adjtime": (305, 266),
    "clock_settime": (227, 112), "delete_module": (176, 106), "fanotify_init": (300, 262), "finit_module": (313, 273),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fsopen": (430, 430), "fspick": (433, 433),
    "init_module": (175, 105), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425), "ioperm": (173, 0), "iopl": (172, 0), "kcmp": (312, 272),
    "kexec_file_load": (320, 294), "kexec_load": (246, 104), "keyctl": (250, 219), "lookup_dcookie": (212, 18),
    "modify_ldt": (154, 0), "mount": (165, 40), "mount_setattr": (442, 442), "move_mount": (429, 429),
    "open_by_handle_at": (304, 265), "open_tree": (428, 428), "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438), "pivot_root": (155, 41), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "ptrace": (101, 117), "quotactl": (179, 60), "reboot": (169, 142),
    "request_key": (249, 218), "setdomainname": (171, 162), "sethostname": (170, 161), "setns": (308, 268),
    "settimeofday": (164, 170), "swapoff": (168, 225), "swapon": (167, 224), "syslog": (103, 116),
    "umount2": (166, 39), "unshare": (272, 97), "userfaultfd": (323, 282), "vhangup": (153, 58),
}  # fmt: skip
# By machine: its name for auditing, the place of its numbers above, its number for clone.
_MACHINES: Final = {"x86_64": (0xC000_003E, 0, 56), "aarch64": (0xC000_00B7, 1, 220)}
_CLONE3: Final = 435
_CLONE_FLAGS: Final = 0x7E02_0000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _GIVE = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW: Final = 0x7FFF_0000
_KILL: Final = 0x8000_0000
_FAIL: Final = 0x0005_0000
_EPERM: Final = 1
_ENOSYS: Final = 38
_X32_BIT: Final = 0x4000_0000


def refuse_calls() -> bool:
    """Refuse them from here on; False on machines whose numbers aren't known here."""
    known = _MACHINES.get(platform.machine())
    if known is None:
        return False
    kernel_calls.filter_calls(_program(*known))
    return True


def _program(machine: int, column: int, clone: int) -> bytes:
    steps = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_EQUAL, 1, 0, machine),
        (_GIVE, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _X32_BIT),
        (_GIVE, 0, 0, _FAIL | _ENOSYS),
    ]
    for numbers in REFUSED.values():
        if numbers[column]:
            steps += [(_EQUAL, 0, 1, numbers[column]), (_GIVE, 0, 0, _FAIL | _EPERM)]
    steps += [
        # clone3 keeps its flags where a filter can't look; callers go on with clone.
        (_EQUAL, 0, 1, _CLONE3),
        (_GIVE, 0, 0, _FAIL | _ENOSYS),
        # clone itself only where it makes no namespaces.
        (_EQUAL, 0, 3, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_ANY_BIT, 0, 1, _CLONE_FLAGS),
        (_GIVE, 0, 0, _FAIL | _EPERM),
        (_GIVE, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
