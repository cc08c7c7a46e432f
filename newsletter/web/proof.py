"""Proof of work (ALTCHA): a browser counts for a moment unnoticed; whoever signs up thousands pays for each."""

import base64
import json
import threading
from collections import OrderedDict
from typing import Any

import altcha

ALGORITHM = "PBKDF2/SHA-256"
COST = 2_000  # iterations a try; 256 tries on average, so half a million: half a second of a phone, unnoticed
PREFIX = "00"
USED = 100_000  # solutions that are remembered; more are forgotten, the oldest first
MAX_PAYLOAD = 4_000  # characters


class ProofOfWork:
    """Sets tasks and checks solutions; each serves once, for the form that it was set with."""

    def __init__(self, secret: bytes) -> None:
        """Take what tasks are signed with."""
        self._secret = secret
        self._used: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def task(self, mark: str) -> str:
        """Set a task, as JSON for the widget.

        Args:
            mark: of the form; it bounds how long the solution is worth something.
        """
        challenge = altcha.create_challenge(
            ALGORITHM, COST, key_prefix=PREFIX, data={"form": mark}, hmac_secret=self._secret
        )
        return json.dumps(challenge.to_dict(), separators=(",", ":"))

    def solved(self, payload: str, mark: str) -> bool:
        """Say whether this solves a task of ours that was set with this form, for the first time.

        Args:
            payload: what the widget gave: base64 of JSON. Anything may come.
            mark: of the form.
        """
        if not payload or len(payload) > MAX_PAYLOAD:
            return False
        parameters = _parameters(payload)
        if parameters.get("data") != {"form": mark} or not altcha.verify_solution(payload, self._secret).verified:
            return False
        with self._lock:
            if (nonce := str(parameters["nonce"])) in self._used:
                return False
            self._used[nonce] = None
            if len(self._used) > USED:
                self._used.popitem(last=False)
        return True


def _parameters(payload: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.b64decode(payload))["challenge"]["parameters"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
