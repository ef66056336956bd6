"""What can go wrong, named for the caller. Every message says what happened, to which file, and what to do."""

from __future__ import annotations

EXIT_OK = 0
EXIT_SOME_FAILED = 1
EXIT_USAGE = 2
EXIT_INTEGRITY = 3
EXIT_INTERRUPTED = 130


class RoundelError(Exception):
    """Base of all errors that Roundel raises on purpose."""

    exit_code = EXIT_USAGE

    def lines(self) -> tuple[str, ...]:
        """What is to be said, one line for each thing that is wrong."""
        return (str(self),)


class UsageError(RoundelError):
    """The call or the configuration is wrong; nothing was done."""


class MissingProgramError(RoundelError):
    """A program or library that Roundel needs is not installed."""


class MediaError(RoundelError):
    """A file cannot be read as video. The other files of a job go on."""

    exit_code = EXIT_SOME_FAILED


class MediaLimitError(MediaError):
    """A file asks for more memory, time or pixels than the configuration allows."""


class WeightsError(RoundelError):
    """A weights file is missing, altered, unsafe to load or of an unknown kind."""


class IntegrityError(RoundelError):
    """A package, log or file is not what it was when it was written."""

    exit_code = EXIT_INTEGRITY


class StallError(MediaError):
    """The machine, not the file, is in the way: a decoder without progress, a file that changes. Worth another try."""


class TakenError(StallError):
    """Another package has the place of this one and is not the same."""
