"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, Reads

READS = Reads(
    not_compiled={
        "Transfer.subject": IN_PYTHON,
        "Wallet.available": IN_PYTHON,
        "Wallet.held": IN_PYTHON,
        "Wallet.receivable": IN_PYTHON,
    }
)
