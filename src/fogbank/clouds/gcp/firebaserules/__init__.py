"""Firebase's rules API: rulesets, and releases that have them hold for a Firestore database.

Firebase, "Manage and deploy Firebase Security Rules" (https://firebase.google.com/docs/rules/manage-deploy) and the
REST reference (https://firebase.google.com/docs/reference/rules/rest).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.gcp.firebaserules import releases, rulesets
from fogbank.clouds.gcp.firebaserules.shapes import rules_types
from fogbank.wire.grpc.service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.gcp.parts import Parts


def make_services(parts: Parts) -> list[Service]:
    """Return the services."""
    rules_types()
    methods = {
        "CreateRuleset": rulesets.create_ruleset,
        "GetRuleset": rulesets.get_ruleset,
        "ListRulesets": rulesets.list_rulesets,
        "DeleteRuleset": rulesets.delete_ruleset,
        "CreateRelease": releases.create_release,
        "UpdateRelease": releases.update_release,
        "GetRelease": releases.get_release,
        "ListReleases": releases.list_releases,
        "DeleteRelease": releases.delete_release,
    }
    return [Service("google.firebase.rules.v1.FirebaseRulesService", parts, methods, owns=_owns)]


def _owns(method: str, fields: Mapping[str, str]) -> bool:
    """Tell one release from the list of them, whose path its pattern fits, too."""
    return method != "GetRelease" or not fields["name"].endswith("/releases")
