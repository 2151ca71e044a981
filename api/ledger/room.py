"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.ledger import callbacks
from api.ledger.payments import PAYMENT_CLOSED, PAYMENT_LIMIT_REACHED, PaymentMutations
from api.ledger.wallets import LedgerAccountQueries, WalletViewer
from domain.ledger import words

ROOM = Room(
    queries=(LedgerAccountQueries,),
    mutations=(PaymentMutations,),
    viewer=(WalletViewer,),
    refusals=(PAYMENT_LIMIT_REACHED, PAYMENT_CLOSED),
    jobs=(words.SUBMIT_PAYMENT, words.ANSWER_PAYMENT),
    notices=(words.PAYMENT,),
    signed=(callbacks,),
)
