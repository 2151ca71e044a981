"""The platform's own list of what failed is for its administrators alone: test_work.py."""

from tests.api.authorization.decisions import Given, WhoSees, leads_to_nothing_hidden

WHO_SEES = WhoSees(
    computed={
        f"Platform.{name}": leads_to_nothing_hidden
        for name in ("failedJobs", "failedMessages", "failedDeliveries", "disabledWebhooks", "outbox")
    },
    mutations={"retryWork": Given(lambda id: {"ids": [id("Job")], "reason": "hostile"}, {"Job": "gus's"})},
)
