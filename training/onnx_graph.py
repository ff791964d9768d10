"""Small changes to an ONNX graph: nothing that nobody reads, and names that depend on the graph alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class NoProbabilities(Exception):
    """A graph tells no probabilities; the message says why in a few words."""


def prediction_only(model: Any) -> bytes:
    """Return the bytes of an ONNX model whose only output is its first, of shape (rows,) or (rows, 1).

    The other outputs, probabilities mostly, go, and so does what computes them. Names are counted through,
    since those of skl2onnx depend on what it converted before.

    Args:
        model: an `onnx.ModelProto`; its inputs keep their names.

    Raises:
        ValueError: the graph is of a kind that cannot be cut.
    """
    return _cut(model, [model.graph.output[0].name])


def with_probabilities(model: Any, classes: Sequence[Any]) -> bytes:
    """Return the bytes of an ONNX model with a second output: each class's probability, (rows, classes).

    What skl2onnx makes of them by default, a list of maps (ZipMap), goes.

    Args:
        model: an `onnx.ModelProto`; its inputs keep their names.
        classes: of the signature, in its order.

    Raises:
        NoProbabilities: the graph's second output is nothing of that kind, or there is none.
        ValueError: the graph is of a kind that cannot be cut.
    """
    from onnx import ModelProto, TensorProto, helper

    kept = ModelProto()
    kept.CopyFrom(model)
    graph = kept.graph
    if len(graph.output) < 2:
        raise NoProbabilities("its graph has no second output")
    second = graph.output[1]
    maker = next((node for node in graph.node if second.name in node.output), None)
    name, kind = second.name, second.type.tensor_type.elem_type
    if maker is not None and maker.op_type == "ZipMap":
        named = {entry.name: helper.get_attribute_value(entry) for entry in maker.attribute}
        labels = named.get("classlabels_int64s") or [
            text.decode() for text in named.get("classlabels_strings", [])
        ]
        if list(labels) != list(classes):
            raise NoProbabilities("its graph names other classes")
        name, kind = maker.input[0], TensorProto.FLOAT
    elif kind not in (TensorProto.FLOAT, TensorProto.DOUBLE):
        raise NoProbabilities("its graph's second output is no table of numbers")
    graph.output.remove(second)
    graph.output.insert(1, helper.make_tensor_value_info(name, kind, [None, len(classes)]))
    return _cut(kept, [graph.output[0].name, name])


def _cut(model: Any, outputs: Sequence[str]) -> bytes:
    from onnx.utils import Extractor

    inputs = [entry.name for entry in model.graph.input]
    kept = Extractor(model).extract_model(inputs, list(outputs))
    kept.producer_name, kept.graph.name = "slipway", "model"
    opsets = sorted(kept.opset_import, key=lambda opset: opset.domain)  # skl2onnx keeps them in a set
    del kept.opset_import[:], kept.graph.value_info[:]
    kept.opset_import.extend(opsets)
    _stand_upright(kept.graph)
    _count_names(kept.graph, {name: name for name in inputs} | {"": ""})
    content: bytes = kept.SerializeToString(deterministic=True)
    return content


def _stand_upright(graph: Any) -> None:
    """Turn labels of shape (1, rows), as skl2onnx gives for a quadratic discriminant, into (rows,)."""
    from onnx import helper, numpy_helper

    output = graph.output[0]
    shape = output.type.tensor_type.shape
    if len(shape.dim) != 2 or shape.dim[0].dim_value != 1 or shape.dim[1].HasField("dim_value"):
        return
    import numpy as np

    graph.initializer.append(numpy_helper.from_array(np.array([-1], dtype=np.int64), "upright_shape"))
    graph.node.append(helper.make_node("Reshape", [output.name, "upright_shape"], ["upright"]))
    output.name = "upright"
    del shape.dim[0]


def _count_names(graph: Any, known: dict[str, str]) -> None:
    """Rename values in the order in which they appear, subgraphs included, and leave nodes nameless."""

    def rename(name: str) -> str:
        return known.setdefault(name, f"v{len(known)}")

    for entry in [*graph.input, *graph.initializer]:
        entry.name = rename(entry.name)
    for node in graph.node:
        node.name = node.doc_string = ""
        for names in (node.input, node.output):
            names[:] = [rename(name) for name in names]
        for attribute in node.attribute:
            for subgraph in [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs:
                _count_names(subgraph, known)
    for entry in graph.output:
        entry.name = rename(entry.name)
