"""What ends a transform job, or one of its files, without a result."""

CLIENT, ALGORITHM = "ClientError", "AlgorithmError"


class JobError(Exception):
    """The whole job cannot go on; the text is its FailureReason."""


class FileError(Exception):
    """One file has no output. `side` is whose fault it was; the text is for the job's data log."""

    def __init__(self, side: str, text: str) -> None:
        super().__init__(text)
        self.side = side


class RecordError(Exception):
    """Records cannot be filtered or joined; `record` is which one of its request, from 0."""

    def __init__(self, text: str, record: int = 0) -> None:
        super().__init__(text)
        self.record = record


class StoppedError(Exception):
    """The job was told to stop."""
