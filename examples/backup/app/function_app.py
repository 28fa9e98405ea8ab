"""Copies a SQLite database every night at three, and keeps the last seven copies."""

import logging
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import azure.functions as func

COPIES_KEPT = 7
app = func.FunctionApp()


@app.timer_trigger(schedule="%BACKUP_SCHEDULE%", arg_name="timer")
def backup(timer: func.TimerRequest) -> None:
    """Copy the database that the settings name."""
    source = Path(os.environ["BACKUP_SOURCE"])
    folder = Path(os.environ["BACKUP_FOLDER"])
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    copy = folder / f"{source.stem}-{stamp}.db"
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as original, sqlite3.connect(copy) as copied:
        original.backup(copied)
    for old in sorted(folder.glob(f"{source.stem}-*.db"))[:-COPIES_KEPT]:
        old.unlink()
    logging.info("copied %s to %s%s", source.name, copy.name, ", late" if timer.past_due else "")
