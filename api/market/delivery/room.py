"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.market.delivery.certificates import CERTIFICATE_CANCELLED, CertificateMutations, CertificateViewer
from api.market.delivery.deliveries import DeliveriesOfMarket, DeliveriesOfTrade, TradeDelivery
from domain.market.delivery import words

ROOM = Room(
    mutations=(CertificateMutations,),
    viewer=(CertificateViewer,),
    types=(TradeDelivery, DeliveriesOfMarket, DeliveriesOfTrade),
    refusals=(CERTIFICATE_CANCELLED,),
    jobs=(words.SETTLE_DELIVERIES,),
    notices=(words.TRADE_SETTLED, words.CERTIFICATE),
)
