"""What this context adds to the schema."""

import strawberry

from api.ledger.payments import PaymentMutations
from api.ledger.wallets import LedgerAccountQueries, WalletViewer


@strawberry.type
class LedgerQueries(LedgerAccountQueries):
    pass


@strawberry.type
class LedgerMutations(PaymentMutations):
    pass


@strawberry.type
class LedgerViewer(WalletViewer):
    pass


@strawberry.type
class LedgerSubscriptions:
    pass
