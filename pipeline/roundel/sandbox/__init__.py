"""Children that handle what strangers made: they may compute, read what they are given, and little else.

``Child`` and :func:`run` start them; :func:`protections` says which protections hold on this machine, and
:func:`confinement` puts it as it is recorded.
"""

from roundel.sandbox.attempts import DEVICES, PROTECTIONS, confinement, protections
from roundel.sandbox.child import Child, Finished, run
from roundel.sandbox.start import Limits

__all__ = ["DEVICES", "PROTECTIONS", "Child", "Finished", "Limits", "confinement", "protections", "run"]
