"""ONNX models from elsewhere: checked against the model folder, and fitted to what the engine asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model_code.serving.signature import Matrix
from slipway.errors import ImportRefused

from .foreign import OTHER_DATA
from .onnx_graph import prediction_only, with_probabilities

_AGAIN = "Export it again, with one float32 input: skl2onnx.to_onnx(model, X[:1].astype(numpy.float32))."


@dataclass(frozen=True)
class ForeignOnnx:
    """An ONNX model from elsewhere.

    Args:
        name: of its file.
        given: the bytes of the model as it came, cut to its prediction.
        fitted: an ONNX model that the engine takes: one float32 input, the prediction as only output.
        whole: the same with all its outputs.
        producer: what wrote it.
    """

    name: str
    given: bytes
    fitted: bytes
    whole: bytes
    producer: str
    _input: str
    _double: bool

    def with_probabilities(self, classes: Sequence[Any]) -> bytes:
        """Return what the engine takes with each class's probability as second output.

        Raises:
            NoProbabilities: its second output is nothing of that kind, or there is none.
        """
        import onnx

        return with_probabilities(onnx.load_model_from_string(self.whole), classes)

    def answers(self, matrix: Matrix) -> npt.NDArray[Any]:
        """Return what the model as it came answers, from the precision that it asks for.

        Raises:
            ImportRefused: it cannot be run.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        rows = matrix if self._double else matrix.astype(np.float32)
        try:
            session = onnxruntime.InferenceSession(self.given, options, providers=["CPUExecutionProvider"])
            values = np.asarray(session.run([session.get_outputs()[0].name], {self._input: rows})[0])
        except Exception as error:  # ONNX Runtime has an exception for each of its error codes
            raise ImportRefused(
                f"ONNX Runtime does not run {self.name}.",
                why=" ".join(str(error).split())[:400],
                fix="Export it for operators that ONNX Runtime has, for any number of rows.",
            ) from None
        # Labels as (1, rows) are what skl2onnx gives for a quadratic discriminant.
        return values.T if values.ndim == 2 and values.shape[0] == 1 and len(matrix) > 1 else values


def read_onnx(content: bytes, name: str, *, width: int, kind: str) -> ForeignOnnx:
    """Check an ONNX model and fit it to the engine.

    Args:
        content: the file's bytes.
        name: the file's name.
        width: how many features the model folder has.
        kind: `string`, `integer` or `number`: what it has to predict.

    Raises:
        ImportRefused: it takes or gives something else.
    """
    import onnx

    model = onnx.load_model_from_string(content)
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors(model.graph)):
        raise ImportRefused(
            f"{name} keeps its weights in other files.",
            why="One file is imported, and nothing that it points at.",
            fix="Save it as one file: onnx.save(model, path, save_as_external_data=False).",
        )
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        first = str(error).strip().splitlines()[0]
        raise ImportRefused(f"{name} is no valid ONNX model.", why=first, fix=_AGAIN) from None
    given = {entry.name for entry in model.graph.initializer}
    inputs = [entry for entry in model.graph.input if entry.name not in given]
    if len(inputs) != 1:
        raise ImportRefused(
            f"{name} has {len(inputs)} inputs: {', '.join(entry.name for entry in inputs)[:200]}.",
            why="A row is served as one list of numbers, so the model takes one matrix.",
            fix=_AGAIN,
        )
    double = _check_input(name, inputs[0], width)
    _check_output(name, model.graph.output[0], kind)
    del model.graph.input[:]
    model.graph.input.append(inputs[0])
    producer = f"{model.producer_name} {model.producer_version}".strip()
    try:
        as_given = prediction_only(model)
        if double:
            _take_floats(model.graph)
        whole = model.SerializeToString(deterministic=True)
        fitted = prediction_only(model)
        return ForeignOnnx(name, as_given, fitted, whole, producer, inputs[0].name, double)
    except ValueError as error:
        raise ImportRefused(f"{name} cannot be read.", why=str(error), fix=_AGAIN) from None


def _check_input(name: str, entry: Any, width: int) -> bool:
    """Whether the input is float64."""
    from onnx import TensorProto

    tensor = entry.type.tensor_type
    if tensor.elem_type not in (TensorProto.FLOAT, TensorProto.DOUBLE):
        raise ImportRefused(
            f"The input {entry.name!r} of {name} is of type {_type_name(entry)}.",
            why="Features are numbers, and the engine gives float32.",
            fix=_AGAIN,
        )
    sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
    if len(sizes) != 2 or sizes[1] not in (None, width):
        shape = " × ".join("any" if size is None else str(size) for size in sizes) or "unknown"
        raise ImportRefused(
            f"{name} takes rows of another width: its input {entry.name!r} is {shape}.",
            why=f"The model folder has {width} features, so that the input is any × {width}.",
            fix=OTHER_DATA,
        )
    if sizes[0] not in (None, 0):
        raise ImportRefused(
            f"{name} takes {sizes[0]} rows at a time, no more and no fewer.",
            why="A request has as many rows as its caller likes.",
            fix=_AGAIN,
        )
    return bool(tensor.elem_type == TensorProto.DOUBLE)


def _check_output(name: str, entry: Any, kind: str) -> None:
    from onnx import TensorProto

    wanted: dict[str, tuple[Any, ...]] = {
        "string": (TensorProto.STRING,),
        "integer": (TensorProto.INT64, TensorProto.INT32),
        "number": (TensorProto.FLOAT, TensorProto.DOUBLE),
    }
    if entry.type.tensor_type.elem_type in wanted[kind]:
        return
    fix = "Put the labels first among the outputs; skl2onnx does so for classifiers."
    if kind == "number":
        fix = 'Set task = "classification" in model.toml if it predicts classes.'
    elif entry.type.tensor_type.elem_type in (*wanted["string"], *wanted["integer"]):
        fix = "Set label, or label_codes, in model.toml so that the labels are those that it was trained on."
    raise ImportRefused(
        f"The first output of {name}, {entry.name!r}, is of type {_type_name(entry)}.",
        why=f"The label of the model folder is {_KINDS[kind]}.",
        fix=fix,
    )


_KINDS = {"string": "text", "integer": "a whole number that names a class", "number": "a number"}


def _type_name(entry: Any) -> str:
    from onnx import TensorProto

    which = entry.type.WhichOneof("value")
    if which != "tensor_type":
        return str(which).removesuffix("_type")
    return str(TensorProto.DataType.Name(entry.type.tensor_type.elem_type)).lower()


def _take_floats(graph: Any) -> None:
    """Put a cast before a graph that takes float64."""
    from onnx import TensorProto, helper

    entry = graph.input[0]
    inner = entry.name + "_as_double"
    for node in graph.node:
        node.input[:] = [inner if name == entry.name else name for name in node.input]
    graph.node.insert(0, helper.make_node("Cast", [entry.name], [inner], to=TensorProto.DOUBLE))
    entry.type.tensor_type.elem_type = TensorProto.FLOAT


def _tensors(graph: Any) -> Iterator[Any]:
    """Every constant of a graph and of the graphs inside it."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)
