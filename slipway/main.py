"""The command `slipway`."""

from __future__ import annotations

import importlib
import signal
import sys
from types import FrameType
from typing import Any

import botocore.exceptions
import click
from rich.console import Console

from client.errors import ClientError
from slipway.errors import AwsUnreachable, SlipwayError

# In the order of a model's life, which is the order of --help.
VERBS = (
    "demo",
    "train",
    "jobs",
    "import",
    "report",
    "deploy",
    "predict",
    "batch",
    "status",
    "outputs",
    "logs",
    "env",
    "traffic",
    "rollback",
    "serve",
    "destroy",
    "doctor",
)
EXIT_CODES = "0 done, 1 failed, 2 wrong usage or settings, 3 a check failed, 4 AWS refused, 130 interrupted"
_INTERRUPTED = "Interrupted; what was started on this machine has been stopped."
_GOES_ON = "What AWS has begun, a deploy or a job, it goes on with."
_ASK = (
    "Look at: slipway doctor, of an account with --stage STAGE. "
    "An embedded AWS that has ended starts again with: slipway deploy"
)


class Verbs(click.Group):
    """Imports a verb's file when it is asked for, so that a quick verb stays quick."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the verbs."""
        return list(VERBS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Return one verb."""
        if name not in VERBS:
            return None
        module = {"import": "import_model"}.get(name, name)  # `import` is a keyword
        command: click.Command = importlib.import_module(f"slipway.commands.{module}").command
        return command


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"Exit codes: {EXIT_CODES}.",
)
def cli() -> None:
    """Take a model from its training script to an endpoint on AWS, and try it on this machine first.

    \b
    slipway demo                         see everything once: train, deploy, predict, destroy
    slipway train iris && slipway deploy iris && slipway predict iris 6.5,3.0,5.2,2.0
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its code."""
    # A terminated command cleans up as an interrupted one does.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        cli.main(args=arguments, standalone_mode=False)
        sys.exit(0)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        tell_failure("E-INTERRUPTED", _INTERRUPTED, _GOES_ON, "Look at: slipway status. Or run it again.")
        sys.exit(130)
    except SlipwayError as error:
        tell_failure(error.code, error.what, error.why, error.fix)
        sys.exit(error.exit_code)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        tell_failure("E-AWS", "AWS could not be asked.", str(error), _ASK)
        sys.exit(AwsUnreachable.exit_code)
    except ClientError as error:
        tell_failure("E-PREDICT", str(error), "", "Look at: slipway status, and slipway logs MODEL")
        sys.exit(1)


def tell_failure(code: str, what: str, why: str, fix: str) -> None:
    """Print what happened, why, and what to do, in that order."""
    console = Console(stderr=True, highlight=False)

    def line(label: str, text: str, style: str) -> None:
        if text:
            indented = text.replace("\n", "\n" + " " * 9)
            console.print(f"{label:<9}", style=style, end="")
            console.print(indented, markup=False, soft_wrap=True)

    line("failed", f"{what}  ({code})", "bold red")
    line("why", why, "bold")
    line("do", fix, "bold green")


def _interrupt(_number: int, _frame: FrameType | None) -> Any:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
