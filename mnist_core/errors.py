"""What can go wrong, named so that a caller can act on it.

Every message is one sentence that says what was wrong, with the value, and what to do.
A page shows it as it is; the command line prints it and ends with exit code 2.
"""


class MnistError(Exception):
    """Base of every error that this package raises on purpose."""


class BlankDrawing(MnistError):
    """A drawing has no ink."""


class WrongDrawing(MnistError, ValueError):
    """An array is not a drawing: wrong shape, dtype or value range."""


class UnreadableImage(MnistError):
    """A file is no image, or one that is damaged or too large."""


class DatasetError(MnistError):
    """A data set is missing, damaged or not what it says."""


class RecipeError(MnistError):
    """An unknown recipe or hyperparameter, or a value that it cannot have."""


class ModelError(MnistError):
    """A model's files are missing, damaged or not ours."""


class RunError(MnistError):
    """A training run cannot be started, stopped, found or changed."""


class LearningError(MnistError):
    """There is too little to learn from, or what was learnt came to nothing."""


class DatabaseError(MnistError):
    """The database of people's drawings is locked, full, read-only, damaged or not there."""


class RoomError(MnistError):
    """Something that cannot be done in a room."""


class NoSuchRoom(RoomError):
    """A code that belongs to no room, or to one that is closed."""


class NotAMember(RoomError):
    """A token that has not joined this room."""


class NotNow(RoomError):
    """Something that the room has no such round for at the moment."""


class RoomPaused(RoomError):
    """A room that is paused: the same is right later."""
