"""The class of errors that users cause and can correct."""


class UserError(ValueError):
    """A mistake in what the caller gave: a value, a file or a combination of settings.

    The text names the value, what was expected and the remedy. Programs print it as one line; any
    other exception, except `OSError`, is a fault of the program and shows its traceback.
    """
