"""Choosing what serves a model in a container of ours: the fastest form that answers as training does."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slipway.errors import NoEngine

from .agreement import Agreement, Answers, measure
from .onnx_form import NotConvertible, convert, only_predicting
from .onnx_graph import with_probabilities as telling
from .probabilities import NO_CLASSES, NONE_IN_TRAINING, with_probabilities
from .skops_form import NotData, foreign_packages, to_skops, types_needed
from .xgboost_form import is_xgboost, to_ubj

Progress = Callable[[str], None]
NONE = "none"
NAMES = {"onnx": "ONNX Runtime", "xgboost": "XGBoost", "sklearn": "scikit-learn"}


@dataclass(frozen=True)
class Packaged:
    """A form of a model, and what serves it.

    Args:
        name: the engine: `onnx`, `sklearn` or `xgboost`; `none` where only AWS's prebuilt image can serve it.
        file: the model's file in the archive; empty where there is none.
        content: its bytes.
        agreement: how the engine's answers compare with training's.
        trusted: the types that skops may build.
        reason: why it is not ONNX, in one line; empty where it is.
        versions: of the libraries that made or run it.
        probabilities: whether it tells those of the classes, as training's own model does.
        no_probabilities: why not, in one line; empty where it does.
    """

    name: str
    file: str
    content: bytes
    agreement: Agreement
    trusted: tuple[str, ...] = ()
    reason: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    probabilities: bool = False
    no_probabilities: str = ""

    @property
    def files(self) -> dict[str, bytes]:
        """The archive's members."""
        return {self.file: self.content} if self.file else {}

    @property
    def entry(self) -> dict[str, Any]:
        """The manifest's `engine`."""
        return {
            "name": self.name,
            "file": self.file,
            "trusted": list(self.trusted),
            "reason": self.reason,
            "agreement": asdict(self.agreement),
            "probabilities": self.probabilities,
            "no_probabilities": self.no_probabilities,
        }

    def summary(self) -> str:
        """Say what was chosen, how well it agrees, and why it is not ONNX where it is not."""
        if self.name == NONE:
            return f"no engine but AWS's prebuilt scikit-learn image: {self.reason}"
        kilobytes = f"{max(1, round(len(self.content) / 1024)):,} KB"
        line = f"engine {NAMES[self.name]}, {self.file} {kilobytes}: {self.agreement.summary()}"
        if self.reason:
            line += f"; not ONNX, because {self.reason}"
        if self.no_probabilities not in ("", NO_CLASSES, NONE_IN_TRAINING):
            line += f"; no probabilities, because {self.no_probabilities}"
        return line


def package(
    estimator: Any,
    signature: Mapping[str, Any],
    answers: Answers,
    *,
    packages: Iterable[str] = (),
) -> Packaged:
    """Choose a fitted estimator's engine: ONNX Runtime, XGBoost where it agrees better, else scikit-learn.

    Args:
        estimator: what training fitted.
        signature: the manifest's.
        answers: what the estimator answers to the rows on which the engine has to agree.
        packages: what the container holds besides scikit-learn.

    Raises:
        NoEngine: no form of it can be loaded in a container, with the reason.
    """
    onnx, reason = _try_onnx(estimator, signature, answers)
    if is_xgboost(estimator):
        native = _try_xgboost(estimator, signature, answers, reason)
        if native and (onnx is None or _closer(native.agreement, onnx.agreement)):
            return native
    return onnx or _sklearn(estimator, signature, answers, reason, packages)


def package_onnx(
    content: bytes, with_them: Callable[[], bytes], signature: Mapping[str, Any], answers: Answers
) -> Packaged:
    """Package a model that came as ONNX.

    Args:
        content: the model, fitted to the engine, that predicts and no more.
        with_them: makes the same with probabilities; raises NoProbabilities.
        signature: the manifest's.
        answers: what the model as it came answers.

    Raises:
        NoEngine: fitted to the engine it answers otherwise.
    """
    agreement = measure("model.onnx", content, _entry("onnx", "model.onnx"), signature, answers)
    if not agreement.holds:
        raise NoEngine(
            "The model answers otherwise when its rows are float32.",
            why=f"{agreement.disagreement(NAMES['onnx'])}, where it was given float64.",
            fix="Export it for float32 input, or as skops.",
        )
    packaged = Packaged("onnx", "model.onnx", content, agreement, versions=_versions("onnx", "onnxruntime"))
    return with_probabilities(packaged, signature, answers, with_them, foreign=True)


def package_booster(file: str, content: bytes, signature: Mapping[str, Any], answers: Answers) -> Packaged:
    """Package what XGBoost's built-in algorithm wrote: the same file for AWS's image and for ours.

    Raises:
        NoEngine: loaded as it is served, it answers otherwise.
    """
    agreement = measure(file, content, _entry("xgboost", file), signature, answers)
    if not agreement.holds:
        raise _no_engine(agreement.disagreement(NAMES["xgboost"]))
    reason = "AWS's image for XGBoost takes the booster alone"
    versions = {"xgboost": importlib.import_module("xgboost").__version__}
    packaged = Packaged("xgboost", file, content, agreement, reason=reason, versions=versions)
    return with_probabilities(packaged, signature, answers)


def packages_of(requirements: Path) -> frozenset[str]:
    """Return the packages, as they are imported, that a model folder's requirements.txt names."""
    if not requirements.is_file():
        return frozenset()
    lines = requirements.read_text(encoding="utf-8").splitlines()
    named = {
        _canonical(match[0]) for line in lines if (match := re.match(r"[A-Za-z0-9][\w.-]*", line.strip()))
    }
    return frozenset(
        package
        for package, distributions in importlib.metadata.packages_distributions().items()
        # xgboost is here from another distribution of it, xgboost-cpu.
        if named & {_canonical(name) for name in (package, *distributions)}
    )


def _try_onnx(estimator: Any, signature: Mapping[str, Any], answers: Answers) -> tuple[Packaged | None, str]:
    try:
        model = convert(estimator, answers.matrix.shape[1])
        content = only_predicting(model)
        agreement = measure("model.onnx", content, _entry("onnx", "model.onnx"), signature, answers)
    except NotConvertible as error:
        return None, str(error)
    except Exception as error:  # ONNX Runtime has exceptions of its own for each of its error codes
        return None, f"ONNX Runtime does not run it: {_last_clause(error)}"
    if not agreement.holds:
        return None, agreement.disagreement(NAMES["onnx"])
    versions = _versions("skl2onnx", "onnx", "onnxruntime")
    packaged = Packaged("onnx", "model.onnx", content, agreement, versions=versions)
    classes = signature["prediction"].get("classes", ())
    return with_probabilities(packaged, signature, answers, lambda: telling(model, classes)), ""


def _try_xgboost(
    estimator: Any, signature: Mapping[str, Any], answers: Answers, reason: str
) -> Packaged | None:
    content = to_ubj(estimator)
    try:
        agreement = measure("model.ubj", content, _entry("xgboost", "model.ubj"), signature, answers)
    except Exception:  # a linear booster, or an objective without a value: scikit-learn's form has it too
        return None
    if not agreement.holds:
        return None
    reason = reason or "XGBoost itself agrees better with training"
    versions = {"xgboost": importlib.import_module("xgboost").__version__}
    packaged = Packaged("xgboost", "model.ubj", content, agreement, reason=reason, versions=versions)
    return with_probabilities(packaged, signature, answers)


def _sklearn(
    estimator: Any, signature: Mapping[str, Any], answers: Answers, reason: str, packages: Iterable[str]
) -> Packaged:
    try:
        content = to_skops(estimator)
        trusted = types_needed(content)
    except NotData as error:
        raise _no_engine(f"{reason}; {error}") from error
    if foreign := foreign_packages(trusted, packages):
        raise _no_engine(f"{reason}; a container has no {', '.join(foreign)}")
    try:
        entry = _entry("sklearn", "model.skops", trusted)
        agreement = measure("model.skops", content, entry, signature, answers)
    except Exception as error:  # whatever a foreign __setstate__ raises
        raise _no_engine(f"{reason}; skops does not read it back: {_last_clause(error)}") from error
    if not agreement.holds:
        raise _no_engine(f"{reason}; {agreement.disagreement('scikit-learn from skops')}")
    versions = _versions("skops")
    packaged = Packaged("sklearn", "model.skops", content, agreement, tuple(trusted), reason, versions)
    return with_probabilities(packaged, signature, answers)


def _no_engine(reason: str) -> NoEngine:
    return NoEngine(
        "The model cannot be served by a container of ours.",
        why=f"{reason}.",
        fix="Build it from scikit-learn's own parts, or name the package in the model folder's "
        'requirements.txt; [serve] image = "sklearn" serves whatever train.py wrote.',
    )


def _entry(name: str, file: str, trusted: Iterable[str] = ()) -> dict[str, Any]:
    return {"name": name, "file": file, "trusted": list(trusted)}


def _closer(one: Agreement, other: Agreement) -> bool:
    """Whether one agreement is better than another, both of which hold."""
    return (one.max_abs_difference or 0.0) < (other.max_abs_difference or 0.0)


def _versions(*names: str) -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in names}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _last_clause(error: Exception) -> str:
    """The part of a message of ONNX Runtime that is about this model."""
    text = " ".join((str(error) or type(error).__name__).split())
    return text.rpartition("Status Message: ")[2].rpartition(" : ")[2][:200]
