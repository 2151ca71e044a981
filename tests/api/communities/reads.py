"""How the compiled path and random operations read this room."""

from domain.communities.tables import Community
from tests.api.engine.declared import IN_PYTHON, Reads

READS = Reads(
    not_compiled={
        "Framework.allowedKeys": IN_PYTHON,
        "Framework.interval": IN_PYTHON,
        "Framework.parameters": IN_PYTHON,
    },
    kept=frozenset(
        {
            "community.timezone",
            "community.framework_code",
            "community.is_listed",
            "framework.code",
            "framework.valid_to",
            "framework.interval_minutes",
            "framework.allowed_keys",
            "membership.valid_from",
            "membership.valid_to",
            "membership.roles",
            "participation.valid_from",
            "participation.valid_to",
            "asset.power_w",  # Shown in micro-kW: 64 bits hold it for any plant there is.
        }
    ),
    names=(Community.name,),
)
