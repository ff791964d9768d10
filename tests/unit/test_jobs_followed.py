"""Following a job: what is told, what is survived, and what is said when it is given up."""

from __future__ import annotations

import botocore.exceptions
import pytest

from slipway.errors import AwsUnreachable, JobGoesOn, JobLost
from training.sagemaker.follow import Pace, State, follow, follow_on
from training.sagemaker.place import Place

AGAIN, STOP = "slipway jobs iris --attach job-1", "slipway jobs iris --stop job-1"
RUNNING = State("InProgress", ("Starting",))
DONE = State("Completed", ("Starting", "Training", "Completed"), {"accuracy": 0.96})
AWAY = botocore.exceptions.EndpointConnectionError(endpoint_url="https://sagemaker.example")
THROTTLED = botocore.exceptions.ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeTrainingJob")
EXPIRED = botocore.exceptions.ClientError(
    {"Error": {"Code": "ExpiredTokenException", "Message": "the token has expired"}}, "DescribeTrainingJob"
)


class Scripted:
    """A job that gives one answer after the other; an exception is raised, and the last answer stays."""

    name = "job-1"

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), 0
        self.lines = {}

    def state(self):
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def new_lines(self):
        return self.lines.pop(self.asked, [])


class Clock:
    """Waits by counting."""

    def __init__(self):
        self.waits = []

    def __call__(self, seconds):
        self.waits.append(seconds)


def followed(job, told=None, **pace):
    clock = Clock()
    told = told if told is not None else []
    ended = follow(job, told.append, pace=Pace(sleep=clock, **pace), again=AGAIN, stop=STOP)
    return ended, told, clock.waits


def test_each_step_line_and_metric_is_told_once_and_in_order():
    job = Scripted(RUNNING, RUNNING, State("InProgress", ("Starting", "Training")), DONE)
    job.lines = {3: ["epoch 1", "epoch 2"], 4: ["done"]}

    ended, told, _ = followed(job)

    assert told == ["Starting", "Training", "epoch 1", "epoch 2", "done", "Completed", "accuracy 0.96"]
    assert (ended.state.status, list(ended.tail)) == ("Completed", ["epoch 1", "epoch 2", "done"])


@pytest.mark.parametrize("fault", [AWAY, THROTTLED])
def test_a_network_that_comes_back_is_survived_with_growing_pauses(fault):
    job = Scripted(RUNNING, fault, fault, fault, fault, DONE)

    ended, told, waits = followed(job, poll_s=5.0)

    assert ended.state.status == "Completed"
    assert waits == [5.0, 1.0, 2.0, 4.0, 8.0, 5.0]
    assert [line for line in told if "asking again in 8 s" in line]


def test_pauses_start_small_again_after_an_answer():
    _, _, waits = followed(Scripted(AWAY, AWAY, RUNNING, AWAY, DONE), poll_s=5.0)

    assert waits == [1.0, 2.0, 5.0, 1.0, 5.0]


def test_a_network_that_stays_away_ends_with_the_command_to_reattach():
    with pytest.raises(JobLost) as lost:
        followed(Scripted(RUNNING, AWAY), patience_s=240.0, longest_pause_s=30.0)

    assert AGAIN in lost.value.fix
    assert "the job itself goes on" in lost.value.what
    assert (lost.value.exit_code, lost.value.code) == (4, "E-JOB-LOST")


def test_the_pauses_until_it_is_given_up_are_some_minutes():
    clock = Clock()
    with pytest.raises(JobLost):
        follow(Scripted(AWAY), lambda _: None, pace=Pace(sleep=clock), again=AGAIN, stop=STOP)

    assert 240 <= sum(clock.waits) <= 300
    assert max(clock.waits) == 30.0


def test_a_refusal_is_not_asked_again():
    job = Scripted(RUNNING, EXPIRED)

    with pytest.raises(AwsUnreachable, match="goes on") as refused:
        followed(job)

    assert job.asked == 2
    assert "expired" in refused.value.why
    assert AGAIN in refused.value.fix


def test_ctrl_c_leaves_the_job_alone_and_says_how_to_go_on_or_to_stop_it():
    with pytest.raises(JobGoesOn) as left:
        followed(Scripted(RUNNING, KeyboardInterrupt()))

    assert (left.value.exit_code, left.value.code) == (130, "E-JOB-GOES-ON")
    assert AGAIN in left.value.fix
    assert STOP in left.value.fix


def test_only_the_last_lines_are_kept_for_a_failure():
    job = Scripted(RUNNING, State("Failed", ("Starting", "Failed"), reason="AlgorithmError"))
    job.lines = {1: [str(number) for number in range(1000)]}

    ended, told, _ = followed(job)

    assert list(ended.tail) == [str(number) for number in range(980, 1000)]
    assert "0" in told


@pytest.mark.parametrize(("stage", "says"), [("local", True), ("dev", False)])
def test_a_job_that_is_lost_names_how_to_find_it_and_what_may_have_ended_with_this_machine(stage, says):
    place = Place(
        session=None, region="us-east-1", stage=stage, bucket="b", role_arn="r", poll_s=0, patience_s=0
    )

    with pytest.raises(JobLost) as lost:
        follow_on(place, "iris", Scripted(AWAY), lambda _line: None)

    assert f"slipway jobs {place.option('iris')} --attach job-1" in lost.value.fix
    assert ("embedded AWS has ended" in lost.value.fix) == says
