"""Makes the app with Microsoft's own management client, run from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

APP = Path(__file__).with_name("app")


def deploy(client: Any, group: str, source: Path, folder: Path, schedule: str = "0 0 3 * * *") -> None:
    """Make an app that copies the database `source` into a folder on a schedule."""
    settings = {
        "BACKUP_SOURCE": str(source),
        "BACKUP_FOLDER": str(folder),
        "BACKUP_SCHEDULE": schedule,
        "WEBSITE_RUN_FROM_PACKAGE": str(APP),
    }
    site = {
        "location": "westeurope",
        "kind": "functionapp,linux",
        "properties": {"siteConfig": {"appSettings": [{"name": name, "value": settings[name]} for name in settings]}},
    }
    client.web_apps.begin_create_or_update(group, "backup", site, enforce_https=False).result()
    client.web_apps.sync_function_triggers(group, "backup", enforce_https=False)
