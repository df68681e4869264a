"""`kazashi-testbench`: cards and traces for whoever tests hardware. One module for each command,
or for a few that are of one kind; a new one is a row of `COMMANDS`."""

from __future__ import annotations

from typing import Final

import click

from firmware.testbench.conform_command import conform_command
from firmware.testbench.export_command import export_command
from firmware.testbench.import_command import import_command
from firmware.testbench.reading_command import read_command
from firmware.testbench.recording_command import record_command
from firmware.testbench.replay_command import replay_command
from firmware.testbench.trace_command import diff_command, show_command

COMMANDS: Final[tuple[click.Command, ...]] = (
    read_command,
    record_command,
    replay_command,
    show_command,
    diff_command,
    import_command,
    export_command,
    conform_command,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kazashi")
def main() -> None:
    """Read, record, replay and try cards as the firmware sees them, and look at what was recorded.

    No command sends a PIN of its own accord; `record --visit` sends the one it is given, `conform
    --virtual` those of virtual patients, and both only to cards of the simulated world. Exit codes:
    0 done, 1 refused, failed or different, 2 wrong use.

    \b
    Examples:
      kazashi-testbench read --reader '*' --wait 10
      kazashi-testbench record --reader '*' --out card.jsonl --collation-number-b -
      kazashi-testbench record --reader '*' --out tool.jsonl --through -- pkcs15-tool --dump
      kazashi-testbench show card.jsonl
      kazashi-testbench replay --check card.jsonl
      kazashi-testbench import opensc-debug.log --out card.jsonl
      kazashi-testbench diff card.jsonl other.jsonl
      kazashi-testbench export card.jsonl --out card.pcapng
      kazashi-testbench conform --reader '*' --junit card.xml
    """


for command in COMMANDS:
    main.add_command(command)


if __name__ == "__main__":
    main()
