"""A peer's call auction, run by the peer's own Python: `call_auction.py (gsy|lemlab) CHECKOUT MARKET.npz ROUNDS`.

MARKET.npz holds columns of one zone's orders: interval, is_buy, ticks, wh. Prints a JSON object: seconds of each round,
from the peer's own order objects to its matches, and the welfare of the matches, ticks x Wh.
"""

import json
import sys
import types
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

Columns = dict[str, Any]


def gsy(checkout: Path, columns: Columns, rounds: int) -> tuple[list[float], float]:
    """Pay-as-clear of gsy-framework, an entry of its matching data per interval."""
    sys.path.insert(0, str(checkout))
    from gsy_framework import matching_algorithms  # type: ignore[import-not-found] # noqa: PLC0415 - found only now.

    data: dict[str, dict[str, dict[str, Any]]] = {"market": {}}
    rows = zip(*(columns[name].tolist() for name in ("interval", "is_buy", "ticks", "wh")), strict=True)
    for number, (interval, is_buy, ticks, wh) in enumerate(rows):
        slot = data["market"].setdefault(str(interval), {"bids": [], "offers": [], "current_time": str(interval)})
        order = {"id": str(number), "energy_rate": float(ticks), "energy": float(wh)}
        party = {"buyer": {"name": str(number)}} if is_buy else {"seller": {"name": str(number)}}
        slot["bids" if is_buy else "offers"].append(order | party)
    seconds = []
    for _ in range(rounds):
        begin = perf_counter()
        matches = matching_algorithms.PayAsClearMatchingAlgorithm().get_matches_recommendations(data)
        seconds.append(perf_counter() - begin)
    welfare = sum(
        (match["bid"]["energy_rate"] - match["offer"]["energy_rate"]) * match["selected_energy"] for match in matches
    )
    return seconds, welfare


def lemlab(checkout: Path, columns: Columns, rounds: int) -> tuple[list[float], float]:
    """Periodic double auction of lemlab, interval by interval."""
    package = types.ModuleType("lemlab")  # Its own loads a whole simulation.
    package.__path__ = [str(checkout / "lemlab")]
    sys.modules["lemlab"] = package
    import pandas as pd  # noqa: PLC0415
    from lemlab.db_connection import db_param  # type: ignore[import-not-found] # noqa: PLC0415
    from lemlab.lem import clearing_ex_ante  # type: ignore[import-not-found] # noqa: PLC0415

    database = types.SimpleNamespace(db_param=db_param)
    rules = {
        "types_pricing_ex_ante": {0: "uniform"},
        "types_quality": {0: "na"},
        "share_quality_logging_extended": False,
    }
    count = len(columns["wh"])
    orders = pd.DataFrame(
        {
            db_param.ID_USER: [str(number) for number in range(count)],
            db_param.QTY_ENERGY: columns["wh"],
            db_param.PRICE_ENERGY: columns["ticks"],
            db_param.QUALITY_ENERGY: 0,
            db_param.PREMIUM_PREFERENCE_QUALITY: 0,
            db_param.TYPE_POSITION: 0,
            db_param.NUMBER_POSITION: 0,
            db_param.STATUS_POSITION: 0,
            db_param.T_SUBMISSION: 0,
            db_param.TS_DELIVERY: columns["interval"],
        }
    )
    is_buy = columns["is_buy"].astype(bool)
    slots = [columns["interval"] == interval for interval in np.unique(columns["interval"])]
    books = [(orders[slot & ~is_buy], orders[slot & is_buy]) for slot in slots]
    seconds = []
    for _ in range(rounds):
        given = [(offers.copy(), bids.copy()) for offers, bids in books]
        begin = perf_counter()
        cleared = [clearing_ex_ante.clearing_pda(database, rules, offers, bids)[0] for offers, bids in given]
        seconds.append(perf_counter() - begin)
    return seconds, sum(
        float(
            (
                (each[db_param.PRICE_ENERGY_BID] - each[db_param.PRICE_ENERGY_OFFER]) * each[db_param.QTY_ENERGY_TRADED]
            ).sum()
        )
        for each in cleared
        if not each.empty
    )


def main() -> None:
    peer, checkout, market, rounds = sys.argv[1:]
    with np.load(market) as columns:
        seconds, welfare = {"gsy": gsy, "lemlab": lemlab}[peer](Path(checkout), dict(columns), int(rounds))
    print(json.dumps({"seconds": seconds, "welfare": welfare}))


if __name__ == "__main__":
    main()
