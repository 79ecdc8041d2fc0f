"""What people may do: two roles with a session, and the rights that a host grants to guests.

A third kind of visitor, who has the link of one listening test, has no session at all: the routes of listening tests
ask for the test's own key and lead nowhere else.
"""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """Who a signed-in person is.

    HOST: has the host's token, or a device that a host has promoted.
    GUEST: has the passcode or has joined by a link.
    """

    HOST = "host"
    GUEST = "guest"


class Right(Enum):
    """What a host may always do and a guest if it is granted.

    LISTEN: see and hear what the host has brought and made, and what other guests have shared.
    RUN: start separations and other jobs.
    UPLOAD: bring recordings.
    MANAGE: rename, share and delete what they have brought or made themselves.
    """

    LISTEN = "listen"
    RUN = "run"
    UPLOAD = "upload"
    MANAGE = "manage"


GUESTS_USUALLY_MAY = frozenset(Right)
HOST = ""  # the id of the host among those to whom something belongs; guests have one each
