"""Ask a deployed model about the rows that were held back from its training, and print how often it is right.

python model_code/iris_forest/ask.py                  on the embedded AWS, after: slipway deploy iris_forest
python model_code/iris_forest/ask.py --stage dev      in your account
python model_code/iris_forest/ask.py --model wine     any other model
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # so that it runs from any folder

from client import Client, ClientError
from slipway.errors import SlipwayError
from slipway.options import aws_of, settings_of
from slipway.project import Project
from training.evaluate import evaluate
from training.signature import as_request_rows, signature_of
from training.train import load_parts

SHOWN = 10


def main() -> None:
    """Send the test rows of training's own split to the model, and compare its answers with the labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default=Path(__file__).parent.name)
    parser.add_argument("--stage", default="local", choices=("local", "dev", "prod"))
    arguments = parser.parse_args()
    try:
        show(arguments.model, arguments.stage)
    except (SlipwayError, ClientError) as error:
        sys.exit(f"{arguments.model} on {arguments.stage}: {error}")


def show(name: str, stage: str) -> None:
    """Print some of the predictions, and the metrics of all of them."""
    project = Project.here()
    settings = settings_of(project, (name,), stage)
    model, aws = settings.models[0], aws_of(project, settings.stage)
    dataset, parts = load_parts(model, print)
    features = dataset.features.iloc[parts.test].to_numpy()
    rows = as_request_rows(features, signature_of(model, dataset))
    truth = dataset.label.iloc[parts.test].tolist()

    client = Client.from_outputs(name, stage, session=aws.session, endpoint_url=aws.endpoint_url)
    predicted = client.predict(rows)

    for row, said, true in list(zip(rows, predicted, truth, strict=True))[:SHOWN]:
        mark = "" if said == true or isinstance(true, float) else "   <- wrong"
        print(f"{row} -> {said}, is {true}{mark}")
    if len(rows) > SHOWN:
        print(f"and {len(rows) - SHOWN} more")
    for metric, value in evaluate(model.model.task, truth, predicted).items():
        print(f"{metric:18} {value:.4f}")


if __name__ == "__main__":
    main()
