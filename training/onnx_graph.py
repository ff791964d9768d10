"""Small changes to an ONNX graph: nothing that nobody reads, and names that depend on the graph alone."""

from __future__ import annotations

from typing import Any


def prediction_only(model: Any) -> bytes:
    """Return the bytes of an ONNX model whose only output is its first, of shape (rows,) or (rows, 1).

    The other outputs, probabilities mostly, go, and so does what computes them. Names are counted through,
    since those of skl2onnx depend on what it converted before.

    Args:
        model: an `onnx.ModelProto`; its inputs keep their names.

    Raises:
        ValueError: the graph is of a kind that cannot be cut.
    """
    from onnx.utils import Extractor

    inputs = [entry.name for entry in model.graph.input]
    kept = Extractor(model).extract_model(inputs, [model.graph.output[0].name])
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
