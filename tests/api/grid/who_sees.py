"""What an operator says of a zone is public; loads are told as test_who_sees.py says."""

from tests.api.authorization.decisions import Followed, Given, WhoSees, leads_to_nothing_hidden
from tests.api.authorization.people import PUBLIC

WHO_SEES = WhoSees(
    expected={"ZoneHalt": PUBLIC, "ZoneLimit": PUBLIC, "ZoneCapacity": PUBLIC, "GridAlert": PUBLIC},
    computed={"GridAlertEvent.alert": leads_to_nothing_hidden},  # Alerts are public.
    reviewed=frozenset({"MarketZone.load"}),  # test_loads_of_few_are_for_who_operates_the_zone
    subscriptions={
        "gridAlerts": Followed(
            "MarketZone", lambda id, start_of: f'subscription {{ gridAlerts(zoneId: "{id}") {{ alert {{ id }} }} }}'
        )
    },
    mutations={  # Zones and alerts are public.
        "haltZone": Given(),
        "resumeZone": Given(),
        "setZoneLimit": Given(),
        "removeZoneLimit": Given(),
        "setZoneCapacity": Given(),
        "issueGridAlert": Given(),
        "withdrawGridAlert": Given(),
    },
)
