"""The host names of the clouds: what is asked of them is answered here, when it comes this way."""

from __future__ import annotations

from typing import Final

AWS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws")
AZURE: Final = (".azure.com", ".azure.net", ".windows.net", ".azurewebsites.net", ".microsoftonline.com")
GCP: Final = (".googleapis.com", ".cloudfunctions.net", ".run.app", "metadata.google.internal")
# Names that lead to this machine from everywhere.
HERE: Final = (".localhost", ".localhost.localstack.cloud")
SUFFIXES: Final = AWS + AZURE + GCP + HERE


def is_cloud(name: str) -> bool:
    """Whether a host name, in small letters, is one of a cloud's."""
    name = name.removesuffix(".")
    return name.endswith(SUFFIXES) or f".{name}" in SUFFIXES
