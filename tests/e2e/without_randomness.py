"""Runs a command for which the kernel has no random bytes: getrandom(2) fails, as under a strict seccomp profile."""

import ctypes
import os
import platform
import struct
import sys

NUMBER = {"x86_64": 318, "aarch64": 278}[platform.machine()]
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 38  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with ENOSYS


def instruction(code, jump_true, jump_false, value):
    return struct.pack("HBBI", code, jump_true, jump_false, value)


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


# Load the number of the system call, compare, answer (linux/bpf_common.h).
code = instruction(0x20, 0, 0, 0) + instruction(0x15, 0, 1, NUMBER) + instruction(0x06, 0, 0, REFUSE) + instruction(0x06, 0, 0, ALLOW)
program = Program(len(code) // 8, code)
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
    sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[1], sys.argv[1:])
