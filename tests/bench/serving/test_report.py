"""Measurements to ratios, goals and tables."""

from tests.bench.serving.goals import goals
from tests.bench.serving.ratios import over_bare, ratio, spread, workers
from tests.bench.serving.report import markdown
from tests.bench.serving.results import ONE_ROW, SCENARIOS, Asked, Bare, Results, Scenario, Started, Worked

BUSY = Scenario(1, 16)


def asked(server, rate, protocol="V2", scenario=ONE_ROW, number=0, p50=0.0003):
    return Asked(server, protocol, scenario, number, rate, p50, p50 * 2, 0.0002, 0.1)


def results(*measured, bare=(), started=(), worked=(), faults=()):
    return Results(
        machine="a machine",
        titles={"ours": "ours", "ours-workers": "two", "slow": "Slow", "fast": "Fast"},
        peers=("slow", "fast"),
        asked=measured,
        started=started,
        worked=worked,
        bare=bare,
        faults=faults,
        responder=(0.00005, 100_000),
    )


def test_a_spread_is_the_median_with_its_range():
    assert spread([]) is None
    assert spread([3.0, 1.0, 2.0]).text(".1f") == "2.0 (1.0 to 3.0)"
    assert spread([2.0, 2.01]).text(".1f") == "2.0"


def test_ratios_are_taken_within_a_round_to_the_best_peer_of_that_round():
    measured = results(
        *(asked("ours", 1000, number=0), asked("slow", 100, number=0), asked("fast", 200, number=0)),
        *(asked("ours", 500, number=1), asked("slow", 125, number=1), asked("fast", 100, number=1)),
        *(asked("ours", 900, number=2), asked("fast", 150, number=2)),
        asked("ours", 9999, number=3),
    )
    found = ratio(measured, ONE_ROW, "V2", "V2", measured.peers)
    assert (found.middle, found.low, found.high) == (5.0, 4.0, 6.0)
    assert ratio(measured, ONE_ROW, "V2", "V2", ("slow",)).high == 10.0


def test_a_peer_counts_in_the_protocol_it_was_asked_in_and_in_the_way_it_was_asked():
    measured = results(
        asked("ours", 1000), asked("slow", 100), asked("fast", 250, "V1"), asked("fast", 900, "V2", BUSY)
    )
    assert ratio(measured, ONE_ROW, "V2", "V2", measured.peers).middle == 10.0
    assert ratio(measured, ONE_ROW, "V2", None, measured.peers).middle == 4.0
    assert ratio(measured, ONE_ROW, "V1", None, measured.peers) is None
    assert ratio(measured, BUSY, "V2", None, measured.peers) is None


def test_other_servers_of_ours_are_no_peers():
    measured = results(asked("ours", 1000), asked("ours-workers", 1500), asked("slow", 100))
    assert ratio(measured, ONE_ROW, "V2", None, measured.peers).middle == 10.0


def test_what_is_over_the_bare_estimator_is_the_difference_of_medians_in_milliseconds():
    measured = results(
        asked("ours", 1, p50=0.0004),
        asked("ours", 1, p50=0.0009, scenario=BUSY),
        bare=(Bare(1, 0, 1, 0.0001, 1),),
    )
    assert round(over_bare(measured, "V2", 1).middle, 6) == 0.3
    assert over_bare(measured, "V2", 1000) is None


def test_two_workers_are_compared_with_one_in_the_same_round():
    measured = results(
        asked("ours", 100), asked("ours-workers", 180), asked("ours-workers", 500, number=1), asked("slow", 1)
    )
    assert workers(measured, ONE_ROW).middle == 1.8
    assert workers(measured, BUSY) is None


def verdicts(measured):
    return {each.text: each.met for each in goals(measured)}


def test_a_goal_is_met_from_its_bound_on():
    good = verdicts(
        results(asked("ours", 800, p50=0.0003), asked("slow", 100), bare=(Bare(1, 0, 1, 0.0001, 1),))
    )
    assert good["V2: the best peer in it: at least 8 times, 1 row, c=1"]
    assert good["V2: the fastest peer in any protocol: at least 6 times, 1 row, c=1"]
    assert good["V2: at most 0.3 ms over the bare estimator at p50, 1 row, c=1"]
    assert good["V2: p99 below 2 ms, 1 row, c=1"]
    bad = verdicts(
        results(asked("ours", 599, p50=0.001), asked("slow", 100), bare=(Bare(1, 0, 1, 0.0001, 1),))
    )
    assert len(bad) == 4
    assert not any(bad.values())


def test_what_was_not_measured_is_no_goal_met():
    assert verdicts(results(asked("slow", 100))) == {}
    assert all("peer" not in text for text in verdicts(results(asked("ours", 100))))


def test_memory_counts_at_its_most_and_a_start_against_the_quickest_peer():
    def started(name, seconds, rss):
        return Started(name, 0, seconds, 1.0, rss, rss, 1)

    begun = (started("ours", 2.0, 220), started("slow", 5.0, 300), started("fast", 3.0, 300))
    few = verdicts(results(started=begun, worked=(Worked("ours", 0, 225), Worked("slow", 0, 999))))
    assert list(few.values()) == [True, True]
    many = verdicts(results(started=(*begun[:1], started("fast", 1.9, 1)), worked=(Worked("ours", 0, 231),)))
    assert list(many.values()) == [False, False]


def test_tables_have_a_row_for_each_server_and_protocol_and_no_ragged_ones():
    measured = results(
        *(
            asked(name, 100, protocol, scenario)
            for name in ("ours", "slow")
            for protocol in ("V2", "V1")
            for scenario in SCENARIOS
        ),
        bare=(Bare(1, 0, 5000, 0.0001, 0.0002),),
        started=(Started("ours", 0, 2.0, 1.0, 200, 190, 1),),
        worked=(Worked("ours", 0, 210),),
        faults=("fast: it gave no right answer",),
    )
    text = markdown(measured)
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert [len({line.count("|") for line in table}) for table in tables] == [1] * len(tables)
    assert [len(table) - 2 for table in tables[:3]] == [5, 4, 4]
    assert "| ours | V2 | 100 (0.30 / 0.60) | 100 (0.30 / 0.60) | 100 (0.30 / 0.60) | 0.20 |" in text
    assert "| bare `estimator.predict` | - | 5,000 (0.10 / 0.20) | - | - | - |" in text
    assert "- fast: it gave no right answer" in text


def test_a_rate_has_its_range_where_there_are_several():
    text = markdown(
        results(*(asked("ours", rate, number=number) for number, rate in enumerate((90, 100, 120))))
    )
    assert "| ours | V2 | 100 (±15 %; 0.30 / 0.60) | - | - | 0.20 |" in text
