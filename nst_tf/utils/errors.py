"""Errors that callers can correct, or that are temporary."""


class UserError(ValueError):
    """A mistake in what the caller gave: a value, a file or a combination of settings.

    The text names the value, what was expected and the remedy. Programs print it as one line; any
    other exception, except `OSError`, is a fault of the program and shows its traceback.
    """


class BusyError(RuntimeError):
    """A `Stylizer` is overloaded: the run waited too long, or too many runs are waiting.

    The same call may succeed later; a service answers with status 503.
    """
