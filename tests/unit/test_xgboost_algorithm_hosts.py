"""The built-in XGBoost on several hosts: one model, hosts without data, hosts that are gone."""

import signal
import socket
import subprocess

import numpy as np
import pytest
import xgboost as xgb

from tests.unit.xgboost_jobs import HYPERPARAMETERS, TRAIN, VALIDATION, Folder, job, names, table

ENDLESS = {**HYPERPARAMETERS, "num_round": "1000000", "eta": "0.001"}
LINES = TRAIN.splitlines(keepends=True)
SHARDED = {"TrainingInputMode": "File", "S3DistributionType": "ShardedByS3Key", "ContentType": "text/csv"}


def hosts(base, parts: list[list[str]], hyperparameters=HYPERPARAMETERS) -> list[Folder]:
    """One folder a host, each with its own part of the training data, maybe none."""
    every = [f"algo-{number}" for number in range(1, len(parts) + 1)]
    return [
        job(
            base / name, hyperparameters, hosts=every, host=name,
            channels={"train": SHARDED, "validation": SHARDED},
            files={"validation/v.csv": VALIDATION, **({"train/t.csv": "".join(part)} if part else {})},
        )
        for name, part in zip(every, parts, strict=True)
    ]  # fmt: skip


def start(folders: list[Folder]) -> list["subprocess.Popen[str]"]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    return [folder.start(SLIPWAY_JOB_PORT=port) for folder in folders]


def end(processes: list["subprocess.Popen[str]"], timeout_s: float = 60) -> list[str]:
    """Wait for all of them and return their logs; none is left behind."""
    try:
        return ["".join(process.communicate(timeout=timeout_s)) for process in processes]
    finally:
        for process in processes:
            process.kill()


def test_two_hosts_give_one_model_that_knows_both_parts(tmp_path) -> None:
    # Each host sees one half of the values of column 0, which no host alone could learn to predict.
    order = sorted(LINES, key=lambda line: float(line.split(",")[1]))
    folders = hosts(tmp_path, [order[:100], order[100:]])
    processes = start(folders)
    logs = end(processes)
    assert [process.returncode for process in processes] == [0, 0], logs
    assert [names(folder.base / "model") for folder in folders] == [["xgboost-model"], []]
    assert "[29]\ttrain-rmse:" in logs[0]
    assert "train-rmse" not in logs[1]
    rows = table(100, 3)
    predicted = folders[0].booster().predict(xgb.DMatrix(rows[:, 1:]))
    assert np.corrcoef(predicted, rows[:, 0])[0, 1] > 0.9


@pytest.mark.parametrize("without", [0, 1])
def test_a_host_without_data_is_left_out(tmp_path, without: int) -> None:
    parts = [LINES[:100], LINES[100:]]
    parts.insert(without, [])
    folders = hosts(tmp_path, parts)
    processes = start(folders)
    logs = end(processes)
    assert [process.returncode for process in processes] == [0, 0, 0], logs
    name = f"algo-{without + 1}"
    assert f"Host {name} does not have training data." in logs[without]
    assert f"Host {name} not being used for distributed training." in logs[without]
    assert [folder.model.exists() for folder in folders] == [number == (without == 0) for number in range(3)]


def test_no_data_at_all_is_an_error_on_every_host(tmp_path) -> None:
    folders = hosts(tmp_path, [[], []])
    processes = start(folders)
    end(processes)
    assert [process.returncode for process in processes] == [1, 1]
    assert [folder.message for folder in folders] == ["No hosts received training data."] * 2


@pytest.mark.parametrize("gone", [0, 1])
def test_a_host_that_dies_ends_the_others_with_a_reason(tmp_path, gone: int) -> None:
    folders = hosts(tmp_path, [LINES[:100], LINES[100:]], ENDLESS)
    processes = start(folders)
    while not processes[0].stdout.readline().startswith("[3]"):
        assert processes[0].poll() is None
    processes[gone].send_signal(signal.SIGKILL)
    other = 1 - gone
    end([processes[other]], timeout_s=30)
    end([processes[gone]])
    assert processes[other].returncode == 1
    assert folders[other].message.startswith("The hosts algo-1, algo-2 lost each other: one has ended")
