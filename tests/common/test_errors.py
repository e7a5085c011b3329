"""What the system refuses is told with what to do then; what may be a fault of ours is not taken for it."""

from __future__ import annotations

import errno
import os
import ssl

import pytest

from har_llm.common.errors import MissingError, system_refusals_told


@pytest.mark.parametrize(
    ("code", "path", "said"),
    [
        (
            errno.EACCES,
            "/srv/x",
            "/srv/x cannot be used (Permission denied); give this user access to it and to the folders",
        ),
        (errno.EROFS, b"/srv/x", "/srv/x cannot be used (Read-only file system); give this user access"),
        (errno.ENOSPC, "/srv/x", "/srv/x cannot be used (No space left on device); make room on the disk"),
        (errno.ENOSPC, None, "The system refuses to go on (No space left on device); make room on the disk"),
        (errno.EIO, "/srv/x", "/srv/x cannot be used (Input/output error); a disk or network file system fails"),
        (errno.ENAMETOOLONG, "/srv/x", "/srv/x cannot be used (File name too long); name another place"),
        (errno.ENOTDIR, "/srv/x", "/srv/x cannot be used (Not a directory); name another place"),
        (errno.EFBIG, None, "The system refuses to go on (File too large); name another place"),
        (errno.ESTALE, None, "The system refuses to go on (Stale file handle); a disk or network file system fails"),
        (errno.EMFILE, "/srv/x", "/srv/x cannot be used (Too many open files); let this user open more files"),
    ],
)
def test_a_refusal_is_told_with_what_to_do(code: int, path: str | bytes | None, said: str) -> None:
    with pytest.raises(MissingError) as caught, system_refusals_told():
        raise OSError(code, os.strerror(code), path) if path is not None else OSError(code, os.strerror(code))
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EEXIST, errno.EBADF, errno.ECHILD, errno.ECONNREFUSED, errno.EPIPE])
def test_what_may_be_a_fault_of_ours_stays_what_it_is(code: int) -> None:
    with pytest.raises(OSError) as caught, system_refusals_told():
        raise OSError(code, os.strerror(code), "/srv/x")
    assert caught.value.errno == code


def test_what_is_no_file_s_is_told_only_where_the_machine_lacks_something() -> None:
    with pytest.raises(PermissionError), system_refusals_told():  # of a process or a port
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
    with pytest.raises(ssl.SSLError), system_refusals_told():  # its numbers are not the system's
        raise ssl.SSLError(errno.EIO, "certificate verify failed")
    with pytest.raises(OSError, match="url error"), system_refusals_told():  # as of urllib
        raise OSError("url error", "x")
