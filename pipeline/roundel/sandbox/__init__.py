"""Children that handle what strangers made: they may compute, read what they are given, and little else.

``Child`` and :func:`run` start them; :func:`protections` says which protections hold on this machine.
"""

from roundel.sandbox.attempts import PROTECTIONS, protections
from roundel.sandbox.child import Child, Finished, run
from roundel.sandbox.start import Limits

__all__ = ["PROTECTIONS", "Child", "Finished", "Limits", "protections", "run"]
