"""What a process can no longer do, by its own wish, before it runs a program of somebody else's. Linux alone.

    seccomp      a list of system calls that calculating needs; every other is refused: no process, thread, program,
                 socket, signal, no file that is opened to be written, made, renamed, removed. Always, or nothing runs.
    rlimits      processor time, memory, files of no byte, no core.
    namespaces   no network device, no others' queues. Where the kernel lets this user have them.
    Landlock     only Python's own library can be read. Where the kernel has it; else no file can be opened at all.

This file stands alone, for it is run by an interpreter that has neither our packages nor anybody's.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sysconfig

ALLOWED = {
    "x86_64": {
        "read": 0, "write": 1, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "lseek": 8, "mmap": 9,
        "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
        "pread64": 17, "readv": 19, "access": 21, "select": 23, "sched_yield": 24, "mremap": 25, "madvise": 28,
        "nanosleep": 35, "getpid": 39, "exit": 60, "uname": 63, "getcwd": 79, "readlink": 89, "gettimeofday": 96,
        "getrlimit": 97, "getrusage": 98, "sysinfo": 99, "times": 100, "getuid": 102, "getgid": 104, "geteuid": 107,
        "getegid": 108, "sigaltstack": 131, "gettid": 186, "time": 201, "futex": 202, "getdents64": 217,
        "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "newfstatat": 262,
        "readlinkat": 267, "pselect6": 270, "ppoll": 271, "set_robust_list": 273, "getrandom": 318, "statx": 332,
        "rseq": 334,
    },
    "aarch64": {
        "getcwd": 17, "faccessat": 48, "close": 57, "getdents64": 61, "lseek": 62, "read": 63, "write": 64, "readv": 65,
        "pread64": 67, "pselect6": 72, "ppoll": 73, "readlinkat": 78, "newfstatat": 79, "fstat": 80, "exit": 93,
        "exit_group": 94, "futex": 98, "set_robust_list": 99, "nanosleep": 101, "clock_gettime": 113,
        "clock_getres": 114, "clock_nanosleep": 115, "sched_yield": 124, "sigaltstack": 132, "rt_sigaction": 134,
        "rt_sigprocmask": 135, "rt_sigreturn": 139, "times": 153, "uname": 160, "getrlimit": 163, "getrusage": 165,
        "gettimeofday": 169, "getpid": 172, "getuid": 174, "geteuid": 175, "getgid": 176, "getegid": 177, "gettid": 178,
        "sysinfo": 179, "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226, "madvise": 233,
        "getrandom": 278, "statx": 291, "rseq": 293, "faccessat2": 439,
    },
}  # fmt: skip
"""Of the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h)."""
OPENAT = {"x86_64": 257, "aarch64": 56}
FCNTL = {"x86_64": 72, "aarch64": 25}
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
SECCOMP_MODE_FILTER = 2
KILL_PROCESS, ALLOW, REFUSE = 0x80000000, 0x7FFF0000, 0x00050000 | 1  # errno EPERM
LOAD, EQUAL, SHARE, RETURN = 0x20, 0x15, 0x45, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JSET|K, BPF_RET|K
NUMBER, ARCH, ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; an argument has 8 bytes
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
READ_FLAGS = (1, 3)  # F_GETFD, F_GETFL

NAMESPACES = {"user": 0x10000000, "net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000}
LANDLOCK = (444, 445, 446)  # create_ruleset, add_rule, restrict_self: the same numbers everywhere
READ_FILE, READ_DIR, ALL_FILE_RIGHTS = 1 << 2, 1 << 3, (1 << 13) - 1  # the first ABI's

_libc = ctypes.CDLL(None, use_errno=True)


class NoSandboxError(Exception):
    """This machine cannot hold a program in."""


def build(cpu_seconds: int, memory_bytes: int, parent: int) -> list[str]:
    """Raises all walls around this process, for good; their names. The process ends with `parent`, which started it:
    nobody else would end a program that sleeps. Raises NoSandboxError where the wall that must be there is not."""
    held = ["rlimits"]
    if _namespaces():
        held.append("namespaces")
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before that was said
        raise NoSandboxError("what started it is gone")
    _limit(cpu_seconds, memory_bytes)
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise NoSandboxError("PR_SET_NO_NEW_PRIVS is refused")
    _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    readable = _landlock()
    if readable:
        held.append("landlock")
    _seccomp(readable)
    return [*held, "seccomp"]


def _limit(cpu_seconds: int, memory_bytes: int) -> None:
    for name, most in (
        (resource.RLIMIT_CPU, cpu_seconds), (resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 32), (resource.RLIMIT_NPROC, 0),
    ):  # fmt: skip
        resource.setrlimit(name, (most, most))


def _namespaces() -> bool:
    """No network. In a user namespace, where this process may have one, it has no rights over anything outside."""
    every = 0
    for flag in NAMESPACES.values():
        every |= flag
    return _libc.unshare(every) == 0


def has_landlock() -> bool:
    """Whether the kernel has it."""
    return _libc.syscall(LANDLOCK[0], None, 0, 1) >= 1


def _landlock() -> bool:
    """From now on only the standard library and the system's libraries can be read. False where the kernel has none."""
    create, add, restrict = LANDLOCK
    if not has_landlock():
        return False
    handled = struct.pack("=Q", ALL_FILE_RIGHTS)
    rules = _libc.syscall(create, handled, len(handled), 0)
    if rules < 0:
        return False
    library = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    for path in {*library, "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo"}:
        try:
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rule = struct.pack("=Qi", READ_FILE | READ_DIR, folder)
        done = _libc.syscall(add, rules, 1, rule, 0)
        os.close(folder)
        if done:
            return False
    done = _libc.syscall(restrict, rules, 0)
    os.close(rules)
    return done == 0


def _seccomp(readable: bool) -> None:
    machine = platform.machine()
    if machine not in ALLOWED:
        raise NoSandboxError(f"no list of system calls for {machine or 'this machine'}")
    code = program(machine, readable)
    held = ctypes.create_string_buffer(code, len(code))
    filter_ = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(held))
    if _libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_, 0, 0):
        raise NoSandboxError("the kernel takes no seccomp filter")


def program(machine: str, readable: bool) -> bytes:
    """The filter (struct sock_filter: code, jump if true, jump if false, number)."""

    def line(code: int, number: int, true: int = 0, false: int = 0) -> bytes:
        return struct.pack("HBBI", code, true, false, number)

    lines = [line(LOAD, ARCH), line(EQUAL, AUDIT_ARCH[machine], 1, 0), line(RETURN, KILL_PROCESS), line(LOAD, NUMBER)]
    for number in ALLOWED[machine].values():
        lines += [line(EQUAL, number, 0, 1), line(RETURN, ALLOW)]
    if readable:  # openat(folder, path, flags): where nothing of the flags writes
        lines += [line(EQUAL, OPENAT[machine], 0, 4), line(LOAD, ARGUMENT + 2 * 8), line(SHARE, WRITES, 1, 0)]
        lines += [line(RETURN, ALLOW), line(RETURN, REFUSE)]
    lines += [line(EQUAL, FCNTL[machine], 0, 3 + len(READ_FLAGS)), line(LOAD, ARGUMENT + 8)]
    lines += [line(EQUAL, flag, len(READ_FLAGS) - place, 0) for place, flag in enumerate(READ_FLAGS)]
    lines += [line(RETURN, REFUSE), line(RETURN, ALLOW), line(RETURN, REFUSE)]
    return b"".join(lines)
