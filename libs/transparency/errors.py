"""Why a proof, a signature or a key was not accepted."""

from __future__ import annotations


class Refused(Exception):
    """Something does not hold. `code` is stable and meant for machines, `text` is one sentence for people.

    Its own tree and not `libs.ledger.errors`: this folder needs nothing else of ours.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
