"""The kernel's own word on its clock, by adjtimex(2), which Python does not offer."""

from __future__ import annotations

import ctypes
import os

_STA_UNSYNC = 0x40
_TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """``struct timex`` up to what is read, with room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def read_clock() -> tuple[bool, float]:
    """Whether the clock is synchronised, and its largest error in seconds; sets nothing.

    Raises:
        OSError: The kernel refuses.
    """
    library = ctypes.CDLL(None, use_errno=True)
    buffer = _Timex()
    state = library.adjtimex(ctypes.byref(buffer))
    if state < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "adjtimex")
    synchronised = state != _TIME_ERROR and not buffer.status & _STA_UNSYNC
    return synchronised, buffer.maxerror / 1e6
