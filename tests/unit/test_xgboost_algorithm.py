"""The built-in XGBoost trains as AWS's image does, seen from outside: a folder in, a file out."""

import re
import signal

import numpy as np
import pytest
import xgboost as xgb

from tests.unit.xgboost_jobs import HYPERPARAMETERS, TRAIN, VALIDATION, csv, job, names, table

STOPPING = {**HYPERPARAMETERS, "num_round": "300", "early_stopping_rounds": "5", "eval_metric": "rmse"}
ENDLESS = {**HYPERPARAMETERS, "num_round": "1000000", "eta": "0.001"}


def test_a_training_leaves_one_file_that_predicts(tmp_path) -> None:
    folder = job(tmp_path)
    run = folder.run()
    assert run.returncode == 0, run.stderr
    assert names(tmp_path / "model") == ["xgboost-model"]
    assert (tmp_path / "output" / "success").read_bytes() == b""
    rows = table(100, 3)
    predicted = folder.booster().predict(xgb.DMatrix(rows[:, 1:]))
    assert np.corrcoef(predicted, rows[:, 0])[0, 1] > 0.9


def test_the_log_is_one_line_a_round_with_tabs(tmp_path) -> None:
    run = job(tmp_path).run()
    lines = run.stdout.splitlines()
    assert len(lines) == 30
    number = r"\d+\.\d{5}"
    assert re.fullmatch(rf"\[0\]\ttrain-rmse:{number}\tvalidation-rmse:{number}", lines[0])


def test_two_runs_give_equal_bytes_whatever_the_number_of_threads(tmp_path) -> None:
    folders = [job(tmp_path / str(number), STOPPING) for number in range(2)]
    for threads, folder in enumerate(folders, 1):
        assert folder.run(OMP_NUM_THREADS=str(threads), PYTHONHASHSEED=str(threads)).returncode == 0
    assert folders[0].model.read_bytes() == folders[1].model.read_bytes()


def test_another_seed_gives_another_model(tmp_path) -> None:
    folders = [job(tmp_path / seed, {**HYPERPARAMETERS, "seed": seed}) for seed in ("0", "1")]
    for folder in folders:
        assert folder.run().returncode == 0
    assert folders[0].model.read_bytes() != folders[1].model.read_bytes()


def test_early_stopping_keeps_the_rounds_up_to_the_best(tmp_path) -> None:
    folder = job(tmp_path, STOPPING)
    run = folder.run()
    scores = [float(line.rpartition("validation-rmse:")[2]) for line in run.stdout.splitlines()]
    best = int(np.argmin(scores))
    assert len(scores) == best + 6
    assert folder.booster().num_boosted_rounds() == best + 1


def test_early_stopping_without_a_named_metric_has_no_effect_and_says_so(tmp_path) -> None:
    folder = job(tmp_path, {**HYPERPARAMETERS, "early_stopping_rounds": "1"})
    run = folder.run()
    assert folder.booster().num_boosted_rounds() == 30
    assert "early_stopping_rounds has no effect" in run.stderr


def test_reg_linear_is_taken_as_the_old_name(tmp_path) -> None:
    folder = job(tmp_path, {**HYPERPARAMETERS, "objective": "reg:linear"})
    assert folder.run().returncode == 0
    assert '"name":"reg:squarederror"' in folder.booster().save_config().replace(" ", "")


def test_reg_linear_with_early_stopping_fails_as_on_aws_and_says_what_to_do(tmp_path) -> None:
    folder = job(tmp_path, {**STOPPING, "objective": "reg:linear"})
    assert folder.run().returncode == 1
    assert "Set objective to reg:squarederror" in folder.message


@pytest.mark.parametrize(
    ("hyperparameters", "kind", "words"),
    [
        ({"eval_metric": "f1_binary"}, "UserError", "Target is multiclass but average='binary'"),
        (
            {"objective": "binary:logistic"},
            "AlgorithmError",
            "label must be in (0, 1) for logistic regression",
        ),
    ],
)
def test_what_xgboost_refuses_is_told_without_its_stack(tmp_path, hyperparameters, kind, words) -> None:
    files = {"train/a.csv": "".join(f"{number % 3},{number},1\n" for number in range(30))}
    folder = job(tmp_path, {**HYPERPARAMETERS, **hyperparameters}, files=files)
    assert folder.run().returncode == 1
    assert folder.failure.startswith("framework error: \nTraceback (most recent call last):\n")
    assert f"training.xgboost_algorithm.errors.{kind}: " in folder.failure
    assert words in folder.message
    assert "Stack trace" not in folder.message


def test_csv_weights_are_in_column_1(tmp_path) -> None:
    rows = table(100, 1)
    weights = np.where(np.arange(100) < 50, 1.0, 0.0)
    weighted = csv(np.column_stack([rows[:, 0], weights, rows[:, 1:]]))
    files = {"train/a.csv": weighted}
    folder = job(
        tmp_path / "weighted", {**HYPERPARAMETERS, "csv_weights": "1", "subsample": "1"}, files=files
    )
    half = job(
        tmp_path / "half", {**HYPERPARAMETERS, "subsample": "1"}, files={"train/a.csv": csv(rows[:50])}
    )
    for one in (folder, half):
        assert one.run().returncode == 0
    data = xgb.DMatrix(rows[:, 1:])
    assert np.allclose(folder.booster().predict(data), half.booster().predict(data), atol=0.3)


def test_the_images_own_metrics_are_in_the_log(tmp_path) -> None:
    label = (table(200, 1)[:, 0] > 1).astype(float)
    rows = csv(np.column_stack([label, table(200, 1)[:, 1:]]))
    hyperparameters = {"objective": "multi:softprob", "num_class": "2", "num_round": "20"}
    asked = "accuracy,f1,f1_macro,balanced_accuracy,precision_macro,recall_micro,mlogloss"
    folder = job(tmp_path, {**hyperparameters, "eval_metric": asked}, files={"train/a.csv": rows})
    run = folder.run()
    assert run.returncode == 0, run.stderr
    last = dict(part.split(":") for part in run.stdout.splitlines()[-1].split("\t")[1:])
    assert set(last) == {f"train-{name}" for name in asked.split(",")}
    assert float(last["train-accuracy"]) > 0.95


def test_an_interrupted_training_goes_on_from_its_newest_checkpoint(tmp_path) -> None:
    checkpoints = tmp_path / "kept"
    first = job(tmp_path / "first", {**HYPERPARAMETERS, "num_round": "10"})
    second = job(tmp_path / "second")
    for folder in (first, second):
        (folder.base / "checkpoints").symlink_to(checkpoints)
    checkpoints.mkdir()
    assert first.run().returncode == 0
    assert names(checkpoints) == [f"xgboost-checkpoint.{number}" for number in range(5, 10)]
    (checkpoints / "xgboost-checkpoint.10").write_bytes(b"half")
    run = second.run()
    assert run.returncode == 0, run.stderr
    assert "Resuming from iteration 10" in run.stderr
    assert len(run.stdout.splitlines()) == 20
    assert second.booster().num_boosted_rounds() == 30


@pytest.mark.parametrize("kept", [True, False])
def test_sigterm_keeps_the_model_where_that_was_asked_for(tmp_path, kept: bool) -> None:
    hyperparameters = {**ENDLESS, **({"save_model_on_termination": "true"} if kept else {})}
    folder = job(tmp_path, hyperparameters)
    process = folder.start()
    try:
        for _ in range(20):
            process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == (0 if kept else -signal.SIGTERM)
    assert names(tmp_path / "model") == (["xgboost-model"] if kept else [])
    if kept:
        assert folder.booster().num_boosted_rounds() >= 19


def test_a_folder_of_files_is_read_by_name_and_three_folders_deep(tmp_path) -> None:
    lines = TRAIN.splitlines(keepends=True)
    files = {
        "train/a.csv": "".join(lines[:80]), "train/b/c.csv": "".join(lines[80:150]),
        "train/b/d/e.csv": "".join(lines[150:]), "train/b/d/f/g.csv": VALIDATION, "train/_SUCCESS": "",
    }  # fmt: skip
    parts, whole = job(tmp_path / "parts", files=files), job(tmp_path / "whole", files={"train/a.csv": TRAIN})
    run = parts.run()
    assert "Train matrix has 200 rows" in run.stderr
    assert "Files in deeper sub dirs won't be loaded" in run.stderr
    assert whole.run().returncode == 0
    assert parts.model.read_bytes() == whole.model.read_bytes()
