"""An instance's sandbox, built by the process that then lives in it.

Tier B: namespaces of its own for mounts, processes, IPC and host name; a root that holds nothing but the system's
programs, the runtime, the function's code (all read-only), and a temporary folder; a user of its own (as root) or
a user namespace (as anybody else); no capabilities, no new privileges; Landlock and a filter of system calls.
Tier A: a session of its own, limits, no new privileges, and Landlock where the kernel has it.

Three steps, so that the dear ones are done before it is known which function comes: `enclose` in the process that
forks the instance's keeper, `furnish` in the keeper, `move_in` in the instance itself. A program that is started
beforehand can't take the last step: it gives up its rights at once (`move_in_early`), and what its function has is
brought to it by the keeper (`bring_in`).
"""

from __future__ import annotations

import os
import resource
from typing import Any, Final, NamedTuple

from fogbank.runtimes.inside.kernel import kernel_calls as kernel
from fogbank.runtimes.inside.kernel.refused_calls import refuse_calls

# What a process sees as its own user, where it can't have one of its own outside.
INNER_ID: Final = 993
SHARED_MEMORY: Final = "size=64m,mode=1777"
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_LINKS: Final = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
                 "stderr": "/proc/self/fd/2"}  # fmt: skip
# What else a process may read where it sees the machine's own files.
_KNOWN_TO_ALL: Final = ("/proc", "/dev", "/etc/passwd", "/etc/group")
_MOUNT_FLAGS: Final = kernel.MS_NOSUID | kernel.MS_NODEV


class House(NamedTuple):
    """What all sandboxes of a zygote have in common.

    `own_users` says whether functions have users of their own. `root` is an empty folder that the new root is mounted
    on, `shown` are the paths outside that are seen inside, in the same places.
    """

    tier: str
    own_users: bool
    root: str
    shown: list[str]


def enclose(house: House, groups: list[str]) -> None:
    """Leave the server's surroundings: session, control groups, namespaces. The next fork is inside."""
    os.setsid()
    os.umask(0o022)
    for group in groups:
        with open(f"{group}/cgroup.procs", "w") as file:
            file.write("0")
    if house.tier != "B":
        return
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
    if house.own_users:
        kernel.unshare(flags)
        return
    user, group_id = os.geteuid(), os.getegid()
    kernel.unshare(flags | kernel.CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{INNER_ID} {user} 1"),
        ("gid_map", f"{INNER_ID} {group_id} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def furnish(house: House) -> None:
    """Build the new root beside the old one."""
    if house.tier != "B":
        return
    root = house.root
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", root, "tmpfs", _MOUNT_FLAGS, "mode=755")
    os.makedirs(f"{root}/etc")
    with open(f"{root}/etc/hosts", "w") as file:
        file.write(_hosts())
    for path in house.shown:
        _show(path, root)
    for folder in ("proc", "tmp", "dev", "dev/shm", "etc"):
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    kernel.mount("proc", f"{root}/proc", "proc", _MOUNT_FLAGS | kernel.MS_NOEXEC)
    kernel.mount("tmpfs", f"{root}/dev/shm", "tmpfs", _MOUNT_FLAGS, SHARED_MEMORY)
    for device in _DEVICES:
        _touch(f"{root}/dev/{device}")
        kernel.bind(f"/dev/{device}", f"{root}/dev/{device}", read_only=False)
    for name, target in _LINKS.items():
        os.symlink(target, f"{root}/dev/{name}")


def _hosts() -> str:
    """Return the machine's names, and those that Lambda has for the sandbox itself (Telemetry API reference)."""
    try:
        with open("/etc/hosts") as file:
            known = file.read()
    except OSError:
        known = ""
    return f"{known}\n127.0.0.1 sandbox.localdomain sandbox\n"


def move_in(house: House, launch: dict[str, Any]) -> None:
    """Make the sandbox the function's, and give up what it was built with.

    `launch` has the `user` to become (0: none), limits, and `mounts`: what is brought in from where, where to, and
    for what: to "read", to "write", or to "own", as the temporary folder is.
    """
    for kind, limit in _limits(launch):
        resource.setrlimit(kind, (limit, limit))
    if house.tier == "B":
        _mount_own(house, launch["user"], launch["mounts"])
        resource.setrlimit(resource.RLIMIT_NPROC, (launch["processes_max"], launch["processes_max"]))
        _become(launch["user"])
    kernel.refuse_new_privileges()
    places = [(target if house.tier == "B" else source, use) for source, target, use in launch["mounts"]]
    writable = ["/dev", *(place for place, use in places if use != "read")]
    if house.tier == "B":
        kernel.landlock(["/"], writable)
        refuse_calls()
    else:
        read_only = [place for place, use in places if use == "read"]
        kernel.landlock([*house.shown, *_KNOWN_TO_ALL, *read_only], writable)


def show_code(house: House, source: str, target: str) -> None:
    """In the keeper: let a function's code be seen, before anything else of it is known."""
    os.makedirs(house.root + target, exist_ok=True)
    kernel.bind(source, house.root + target)


def move_in_early(house: House, program: dict[str, Any]) -> None:
    """Give up all rights before it is known which function comes; only in tier B.

    `program` has the `user` to become (0: none), limits, and in `writable` the folders outside that will be brought in
    for writing. The new root becomes this process's own now; the keeper makes it the namespace's when it brings in
    what the function has.
    """
    for kind, limit in (*_limits(program), (resource.RLIMIT_NPROC, program["processes_max"])):
        resource.setrlimit(kind, (limit, limit))
    kernel.refuse_new_privileges()
    kernel.landlock([house.root], [f"{house.root}/dev", *program["writable"]])
    os.chroot(house.root)
    os.chdir("/")
    _become(program["user"])
    refuse_calls()


def bring_in(house: House, launch: dict[str, Any]) -> None:
    """In the keeper: bring a function's folders to a process that has moved in early."""
    _mount_own(house, launch["user"], launch["mounts"])


def _limits(launch: dict[str, Any]) -> tuple[tuple[int, int], ...]:
    return (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, launch["open_files_max"]),
        (resource.RLIMIT_FSIZE, launch["file_bytes_max"]),
    )


def _mount_own(house: House, user: int, mounts: list[tuple[str, str, str]]) -> None:
    root = house.root
    for source, target, use in mounts:
        os.makedirs(root + target, exist_ok=True)
        if use == "own" and user:
            os.chown(source, user, user)
        inside = [path for path in house.shown if path.startswith(f"{target}/")]
        if use == "read" and (inside or any(other.startswith(f"{target}/") for _, other, _ in mounts)):
            # Nothing could be shown in there any more, like an interpreter that is installed below /opt.
            _join(source, root + target)
            continue
        kernel.bind(source, root + target, read_only=use == "read")
        for path in inside:
            # What was shown there before is covered now, like an interpreter that is installed below /tmp.
            _show(path, root)
    shown = user or INNER_ID
    with open(f"{root}/etc/passwd", "w") as file:
        file.write(f"root:x:0:0::/:/sbin/nologin\nsbx_user1051:x:{shown}:{shown}::/tmp:/sbin/nologin\n")
    with open(f"{root}/etc/group", "w") as file:
        file.write(f"root:x:0:\nsbx_user1051:x:{shown}:\n")
    kernel.pivot_root(root)
    kernel.mount(None, "/", None, kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY | _MOUNT_FLAGS)


def _become(user: int) -> None:
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        kernel.set_dumpable()
    else:
        kernel.drop_capabilities()


def _show(path: str, root: str) -> None:
    """Let a path outside be seen inside, read-only: folders' links as links, what isn't there not at all."""
    place = root + path
    if os.path.lexists(place):
        return
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if os.path.islink(path) and os.path.isdir(path):
        target = os.readlink(path)
        if not os.path.isabs(target):
            os.symlink(target, place)
            return
    if os.path.isdir(path):
        os.mkdir(place)
    elif os.path.exists(path):
        _touch(place)
    else:
        return
    kernel.bind(os.path.realpath(path), place)


def _join(source: str, place: str) -> None:
    """Let what is in a folder be seen, read-only, beside what is in the other folder already."""
    for name in os.listdir(source):
        path, joined = f"{source}/{name}", f"{place}/{name}"
        if os.path.lexists(joined):
            continue
        if os.path.islink(path):
            os.symlink(os.readlink(path), joined)
            continue
        if os.path.isdir(path):
            os.mkdir(joined)
        else:
            _touch(joined)
        kernel.bind(path, joined)


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
