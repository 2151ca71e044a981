"""Five hundred messages of a user."""

from tests.api.engine.declared import Tall

TALL = Tall(
    values={
        "message_delivery.channel": "'WEBHOOK'",
        "message_delivery.status": "'DELIVERED'",
        "webhook.kinds": "'{PAYMENT}'",
    },
    below={"message.user_id": 500},
)
