"""A pickle in, skops out: `python -m training.unpickle IN OUT`, for `slipway import --trust`."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

from .skops_form import NotData, to_skops


def main() -> None:
    """Load the first file, write the second; the last line on stderr says why where that fails."""
    given, wanted = sys.argv[1:]
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", category=InconsistentVersionWarning)
            estimator = joblib.load(given)
        if not hasattr(estimator, "predict"):
            raise NotData(f"it holds {type(estimator).__name__!r}, which predicts nothing")
        Path(wanted).write_bytes(to_skops(estimator))
    except InconsistentVersionWarning as warning:
        why = (
            f"It was written by scikit-learn {warning.original_sklearn_version}, and this is "
            f"{warning.current_sklearn_version}: its answers could be other ones."
        )
    except (ImportError, AttributeError) as error:
        why = f"A class that it needs is not here: {error}."
    except NotData as error:
        why = f"{str(error)[:1].upper()}{str(error)[1:]}."
    except Exception as error:  # a pickle can raise anything
        why = f"{type(error).__name__}: {error}"
    else:
        return
    print(json.dumps({"why": why}), file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
