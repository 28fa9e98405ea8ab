"""Environment variables that lead clients to a test's server and into its accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.cli.running.variables import variables

if TYPE_CHECKING:
    from fogbank.testing.accounts import Account


def variables_of(url: str, account: Account) -> dict[str, str]:
    """Return names and values: those of `fogbank env`, with the test's account, project and subscription.

    Azure's storage and Cosmos DB accounts are those that every emulator has; they aren't the test's own.
    """
    own = {
        "AWS_ACCESS_KEY_ID": account.aws,
        "GOOGLE_CLOUD_PROJECT": account.project,
        "AZURE_SUBSCRIPTION_ID": account.subscription,
    }
    return {**variables(url), **own}
