"""How a training can end badly, in the image's three kinds."""


class UserError(Exception):
    """What the person who started the job can put right."""


class AlgorithmError(Exception):
    """XGBoost itself failed."""


class PlatformError(Exception):
    """The hosts, their number or their network are not as they must be."""
