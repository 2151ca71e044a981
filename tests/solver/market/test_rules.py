"""What rules offer: never more than is left over, never more than their day allows, whole watt-hours."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from solver.market.rules import Fill, Offer, Outlook, Past, Reserve, Rule, offers, simulate

KWH = 1_000_000
energies = st.integers(0, 5 * KWH)


def an_outlook(injected: list[int], **overrides: list[int]) -> Outlook:
    nothing = [0] * len(injected)
    facts = {"injected_ukwh": injected, "withdrawn_ukwh": nothing, "sold_ukwh": nothing, "bought_ukwh": nothing}
    return Outlook(**(facts | overrides))


def a_rule(intervals: int, **overrides: object) -> Rule:
    rule = Rule(is_sale=True, price_ueur_per_kwh=100_000, days=[0] * intervals, covers=[True] * intervals)
    return replace(rule, **overrides)  # type: ignore[arg-type]


def offered(made: list[list[Offer]]) -> list[list[int]]:
    return [[offer.energy_ukwh for offer in of_rule] for of_rule in made]


def test_offers_what_is_forecast_less_what_is_bound_in_whole_watt_hours() -> None:
    outlook = an_outlook([2 * KWH + 999, KWH, 500], sold_ukwh=[KWH // 2, 2 * KWH, 0])

    [made] = offers([a_rule(3)], [], outlook)

    assert made == [
        Offer(0, 1_500_000, 2_000_999, 500_000, 0, None),
        Offer(1, 0, 1_000_000, 2_000_000, 0, None),
        Offer(2, 0, 500, 0, 0, None),
    ]


def test_a_rule_that_buys_looks_at_what_is_withdrawn() -> None:
    outlook = an_outlook([KWH], withdrawn_ukwh=[3 * KWH], bought_ukwh=[KWH])

    assert offered(offers([a_rule(1, is_sale=False)], [], outlook)) == [[2 * KWH]]


def test_what_one_rule_offers_the_next_one_does_not_have() -> None:
    first = a_rule(2, daily_ukwh_max=KWH)

    made = offers([first, a_rule(2)], [], an_outlook([3 * KWH, KWH]))

    assert offered(made) == [[KWH, 0], [2 * KWH, KWH]]


def test_the_daily_limit_counts_what_the_rule_has_bound_already_and_begins_anew() -> None:
    rule = a_rule(3, days=[0, 0, 1], daily_ukwh_max=2 * KWH, used_ukwh={0: KWH})

    [made] = offers([rule], [], an_outlook([KWH - 1_000, KWH, 3 * KWH]))

    assert [offer.energy_ukwh for offer in made] == [KWH - 1_000, 1_000, 2 * KWH]
    assert [offer.left_on_day_ukwh for offer in made] == [KWH, 1_000, 2 * KWH]


def test_a_reserve_is_filled_by_the_first_surplus_of_its_day() -> None:
    reserve = Reserve(3 * KWH, [0, 0, 0, 1], [False, True, True, True])

    made = offers([a_rule(4, days=[0, 0, 0, 1])], [reserve], an_outlook([2 * KWH] * 4))

    assert offered(made) == [[2 * KWH, 0, KWH, 0]]


def test_of_several_reserves_the_one_that_keeps_most_counts() -> None:
    small, large = Reserve(KWH, [0, 0], [True, True]), Reserve(2 * KWH, [0, 0], [True, True])

    made = offers([a_rule(2)], [small, large], an_outlook([3 * KWH, 3 * KWH]))

    assert offered(made) == [[KWH, 3 * KWH]]


def test_intervals_that_are_not_covered_are_not_decided() -> None:
    [made] = offers([a_rule(3, covers=[False, True, False])], [], an_outlook([KWH] * 3))

    assert [offer.interval for offer in made] == [1]


@given(st.data())
def test_never_more_than_is_left_over_nor_than_the_day_allows(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))

    def drawn(values: st.SearchStrategy[int]) -> list[int]:
        return data.draw(st.lists(values, min_size=count, max_size=count))

    injected, sold = drawn(energies), drawn(energies)
    days = sorted(drawn(st.integers(0, 2)))
    rules = [
        a_rule(count, days=days, covers=data.draw(st.lists(st.booleans(), min_size=count, max_size=count)), **limit)
        for limit in data.draw(st.lists(st.sampled_from([{}, {"daily_ukwh_max": KWH}]), min_size=1, max_size=3))
    ]
    reserves = [Reserve(data.draw(energies), days, [True] * count)]

    made = offers(rules, reserves, an_outlook(injected, sold_ukwh=sold))

    for place in range(count):
        together = sum(offer.energy_ukwh for of_rule in made for offer in of_rule if offer.interval == place)
        assert 0 <= together <= max(0, injected[place] - sold[place])
    for rule, of_rule in zip(rules, made, strict=True):
        assert all(offer.energy_ukwh % 1_000 == 0 for offer in of_rule)
        for day in set(days):
            on_day = sum(offer.energy_ukwh for offer in of_rule if days[offer.interval] == day)
            assert rule.daily_ukwh_max is None or on_day <= rule.daily_ukwh_max
    for day in set(days):
        left = sum(injected[place] for place in range(count) if days[place] == day)
        on_day = sum(offer.energy_ukwh for of_rule in made for offer in of_rule if days[offer.interval] == day)
        assert on_day <= max(0, left - min(left, reserves[0].energy_ukwh))


def test_the_past_fills_what_meets_its_price_as_far_as_it_was_traded_and_metered() -> None:
    outlook = an_outlook([2 * KWH] * 5)
    past = Past(
        price_ueur_per_kwh=[100_000, 99_999, None, 300_000, 200_000],
        traded_ukwh=[5 * KWH, 5 * KWH, 0, KWH, 5 * KWH],
        metered_ukwh=[3 * KWH, 3 * KWH, 3 * KWH, 3 * KWH, KWH // 2],
    )

    fills = simulate(a_rule(5), [], outlook, past)

    assert [(fill.price_ueur_per_kwh, fill.filled_ukwh, fill.delivered_ukwh) for fill in fills] == [
        (100_000, 2 * KWH, 2 * KWH),
        (99_999, 0, 0),
        (None, 0, 0),
        (300_000, KWH, KWH),
        (200_000, 2 * KWH, KWH // 2),
    ]


def test_a_rule_that_buys_takes_prices_below_its_own() -> None:
    rule = a_rule(2, is_sale=False)
    outlook = an_outlook([0, 0], withdrawn_ukwh=[KWH, KWH])

    fills = simulate(rule, [], outlook, Past([90_000, 110_000], [KWH, KWH], [KWH, KWH]))

    offer = Offer(0, KWH, KWH, 0, 0, None)
    assert fills == [Fill(offer, 90_000, KWH, KWH), Fill(replace(offer, interval=1), 110_000, 0, 0)]


def test_offers_of_nothing_are_no_orders() -> None:
    assert simulate(a_rule(1), [], an_outlook([0]), Past([1], [KWH], [KWH])) == []
