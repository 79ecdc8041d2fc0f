"""What is said of a test: the sentences themselves, and that none claims more than its numbers."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from separation.errors import SettingsError
from separation.listening.abx import AbxResult
from separation.listening.preference import PairAnswers
from separation.listening.verdict import ComparedSettings, abx_verdict, p_text, preference_verdict

TIMES = ComparedSettings(run_times_s=(10, 40))
NAMED = ComparedSettings(labels=("4 steps", "16 steps"), run_times_s=(10, 40))
REOPENED = " The test was reopened after its results were seen, so its p-value says less than it seems to."


@pytest.mark.parametrize(
    ("n", "k", "sentence"),
    [
        (
            16,
            8,
            "No audible difference found in 16 trials (8 right, p = 0.60; 16 trials find a listener who answers right "
            "4 times in 5 with 80 %): the setting that takes a quarter of the time will do.",
        ),
        (16, 14, "A difference was heard: 14 of 16 right (p = 0.0021, 90 % interval 0.66 to 0.98)."),
        (20, 20, "A difference was heard: 20 of 20 right (p < 0.001, 90 % interval 0.86 to 1.00)."),
        (
            16,
            11,
            "No audible difference found in 16 trials (11 right, p = 0.11; 16 trials find a listener who answers right "
            "4 times in 5 with 80 %), but such a listener is not ruled out; a larger test would tell.",
        ),
        (
            13,
            8,
            "No audible difference found in 13 trials (8 right, p = 0.29; 13 trials find a listener who answers right "
            "4 times in 5 with 75 %, 16 with 80 %).",
        ),
        (
            17,
            9,
            "No audible difference found in 17 trials (9 right, p = 0.50; 17 trials find a listener who answers right "
            "4 times in 5 with 76 %, 18 with 87 %).",
        ),
        (
            10,
            6,
            "No audible difference found in 10 trials (6 right, p = 0.38): so few could hardly find one. "
            "10 trials find a listener who answers right 4 times in 5 with 38 %, 16 with 80 %.",
        ),
        (
            1,
            1,
            "No audible difference found in 1 trial (1 right, p = 0.50): so few can find none, whatever the answers. "
            "16 trials find a listener who answers right 4 times in 5 with 80 %.",
        ),
        (
            16,
            2,
            "No finding: only 2 of 16 right, fewer than guessing gives (p = 0.0021 for so few). "
            "Perhaps the two were mistaken for each other; a new test would tell.",
        ),
    ],
)
def test_the_finding_of_an_abx_test(n, k, sentence):
    assert abx_verdict(AbxResult(n, k), TIMES) == sentence
    assert abx_verdict(AbxResult(n, k), TIMES, reopened=True) == sentence + REOPENED


def test_settings_with_names_are_named():
    assert abx_verdict(AbxResult(16, 8), NAMED) == (
        "No audible difference between “4 steps” and “16 steps” found in 16 trials (8 right, p = 0.60; 16 trials find "
        "a listener who answers right 4 times in 5 with 80 %): “4 steps”, which takes a quarter of the time, will do."
    )
    assert abx_verdict(AbxResult(16, 12), NAMED) == (
        "A difference between “4 steps” and “16 steps” was heard: 12 of 16 right "
        "(p = 0.038, 90 % interval 0.52 to 0.91)."
    )
    other_way = ComparedSettings(labels=("16 steps", "4 steps"), run_times_s=(40, 10))
    assert abx_verdict(AbxResult(16, 8), other_way).endswith(": “4 steps”, which takes a quarter of the time, will do.")


def test_where_no_times_are_known_or_they_are_alike_none_is_recommended():
    plain = (
        "No audible difference found in 16 trials (8 right, p = 0.60; 16 trials find a listener who answers right 4 "
        "times in 5 with 80 %)."
    )
    assert abx_verdict(AbxResult(16, 8)) == plain
    assert abx_verdict(AbxResult(16, 8), ComparedSettings(run_times_s=(91, 100))) == plain
    assert abx_verdict(AbxResult(16, 8), ComparedSettings(run_times_s=(100, 91))) == plain
    assert "takes 90 % of the time will do" in abx_verdict(AbxResult(16, 8), ComparedSettings(run_times_s=(90, 100)))


@pytest.mark.parametrize(
    ("times", "share"),
    [
        ((1, 2), "half"),
        ((3, 1), "a third"),
        ((1, 5), "a fifth"),
        ((6, 1), "a sixth"),
        ((1, 8), "an eighth"),
        ((1, 10), "a tenth"),
        ((1.04, 4), "a quarter"),
        ((0.96, 4), "a quarter"),
        ((1.06, 4), "26 %"),
        ((0.94, 4), "24 %"),
        ((3, 4), "75 %"),
        ((1, 7), "14 %"),
        ((1, 100), "1 %"),
        ((1.049, 4), "a quarter"),
        ((0.951, 4), "a quarter"),
        ((1, 101), "less than 1 %"),
    ],
)
def test_shares_of_the_time_are_said_in_words_where_they_have_one(times, share):
    said = abx_verdict(AbxResult(16, 8), ComparedSettings(run_times_s=times))
    assert said.endswith(f": the setting that takes {share} of the time will do.")


@pytest.mark.parametrize(("n", "percent"), [(37, "99 %"), (36, "98 %"), (42, "99 %"), (44, "more than 99 %")])
def test_power_is_in_whole_percent_and_never_certain(n, percent):
    assert f"4 times in 5 with {percent})" in abx_verdict(AbxResult(n, n // 2))


def test_several_listeners_are_counted():
    assert abx_verdict(AbxResult(48, 26), n_listeners=3) == (
        "No audible difference found in 48 trials of 3 listeners (26 right, p = 0.33; 48 trials find listeners who "
        "answer right 4 times in 5 with more than 99 %)."
    )
    assert abx_verdict(AbxResult(48, 40), n_listeners=3) == (
        "A difference was heard: 40 of 48 right by 3 listeners (p < 0.001, 90 % interval 0.72 to 0.91)."
    )
    assert "but such listeners are not ruled out" in abx_verdict(AbxResult(16, 11), n_listeners=2)


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (
            PairAnswers(3, 11, 2),
            "No preference found: A 3, B 11, 2 without a difference (p = 0.057): so few could hardly find one. "
            "14 decided answers find a preference of 4 in 5 with 45 %, 20 with 80 %.",
        ),
        (
            PairAnswers(2, 14, 1),
            "B was preferred: 14 to 2, 1 without a difference (p = 0.0042), but it takes 4 times as long.",
        ),
        (PairAnswers(14, 2), "A was preferred: 14 to 2 (p = 0.0042), and it takes a quarter of the time."),
        (
            PairAnswers(10, 7),
            "No preference found: A 10, B 7 (p = 0.63; 17 decided answers find a preference of 4 in 5 with 76 %, "
            "20 with 80 %).",
        ),
        (
            PairAnswers(3, 2),
            "No preference found: A 3, B 2 (p = 1.0): so few can find none, whatever the answers. "
            "20 decided answers find a preference of 4 in 5 with 80 %.",
        ),
        (
            PairAnswers(10, 10),
            "No preference found: A 10, B 10 (p = 1.0; 20 decided answers find a preference of 4 in 5 with 80 %): "
            "the setting that takes a quarter of the time will do.",
        ),
        (
            PairAnswers(6, 14),
            "No preference found: A 6, B 14 (p = 0.12; 20 decided answers find a preference of 4 in 5 with 80 %), "
            "but such a preference is not ruled out; a larger test would tell.",
        ),
        (PairAnswers(0, 0, 5), "No preference found: 5 answers, none with a difference."),
        (PairAnswers(0, 0, 1), "No preference found: 1 answer, none with a difference."),
    ],
)
def test_the_finding_of_a_paired_comparison(answers, sentence):
    assert preference_verdict(answers, TIMES) == sentence
    assert preference_verdict(answers, TIMES, reopened=True) == sentence + REOPENED


def test_the_preferred_setting_is_named_with_its_price_where_that_is_known():
    assert preference_verdict(PairAnswers(2, 14)) == "B was preferred: 14 to 2 (p = 0.0042)."
    assert (
        preference_verdict(PairAnswers(2, 14), n_listeners=2) == "B was preferred by 2 listeners: 14 to 2 (p = 0.0042)."
    )
    alike = ComparedSettings(labels=("one", "two"), run_times_s=(10, 10))
    assert preference_verdict(PairAnswers(2, 14), alike) == "“two” was preferred: 14 to 2 (p = 0.0042)."
    assert preference_verdict(PairAnswers(12, 8, 1), NAMED, n_listeners=2).startswith(
        "No preference found among 2 listeners: “4 steps” 12, “16 steps” 8, 1 without a difference (p = 0.50; "
    )
    assert "none with a difference" in preference_verdict(PairAnswers(0, 0, 4), n_listeners=4)


@pytest.mark.parametrize(
    ("times", "price"),
    [((10, 12.5), "1.2"), ((10, 94), "9.4"), ((10, 96), "10"), ((10, 1234), "123")],
)
def test_how_much_longer_the_preferred_setting_takes(times, price):
    said = preference_verdict(PairAnswers(2, 14), ComparedSettings(run_times_s=times))
    assert said.endswith(f", but it takes {price} times as long.")


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1.0, "p = 1.0"),
        (0.59819, "p = 0.60"),
        (0.057373, "p = 0.057"),
        (0.0021, "p = 0.0021"),
        (0.001, "p = 0.0010"),
        (0.00099999, "p < 0.001"),
        (0.0, "p < 0.001"),
        (0.05, "p = 0.050"),
        (0.0498, "p = 0.0498"),
        (0.0503, "p = 0.0503"),
        (0.04996, "p = 0.04996"),
        (math.nextafter(0.05, 0), "p = 0.049999999999999996"),
    ],
)
def test_p_values_have_two_digits_or_as_many_as_tell_on_which_side_they_are(p, text):
    assert p_text(p) == text


@given(st.floats(0.001, 1))
def test_a_p_value_in_print_is_on_its_own_side_of_5_percent_and_near(p):
    shown = float(p_text(p).removeprefix("p = "))
    assert (shown < 0.05) == (p < 0.05) and shown == pytest.approx(p, rel=0.051)


def test_no_abx_sentence_claims_more_than_its_numbers():
    for n in range(1, 61):
        for k in range(n + 1):
            said, result = abx_verdict(AbxResult(n, k), TIMES), AbxResult(n, k)
            assert ("was heard" in said) == result.heard
            assert "p = 0.00 " not in said and "p = 0.00)" not in said and "p = 0.00," not in said
            if result.heard:
                assert float(re.search(r"interval ([\d.]+)", said)[1]) > 0.5
            finds_4_in_5 = stats.binom.sf(stats.binom.isf(0.05, n, 0.5), n, 0.8) >= 0.795
            seldom_of_such = stats.binom.cdf(k, n, 0.8) < 0.05
            guessed = stats.binom.cdf(k, n, 0.5) >= 0.05 and not result.heard
            assert said.endswith("will do.") == (finds_4_in_5 and seldom_of_such and guessed)


def test_no_preference_is_claimed_that_its_numbers_do_not_show():
    for n_a in range(26):
        for n_b in range(26):
            if n_a + n_b:
                said = preference_verdict(PairAnswers(n_a, n_b), TIMES)
                preferred = stats.binomtest(n_a, n_a + n_b).pvalue < 0.05
                assert said.startswith("A was" if n_a > n_b else "B was") == preferred
                assert said.startswith("No preference found") == (not preferred)
                if n_a + n_b < 20 and not preferred:
                    assert "will do" not in said


@pytest.mark.parametrize("times", [(0, 1), (1, 0), (-1, 1), (1, math.nan), (math.inf, 1)])
def test_what_is_no_run_time_is_refused_with_advice(times):
    with pytest.raises(SettingsError) as refused:
        ComparedSettings(run_times_s=times)
    assert refused.value.what and refused.value.why and refused.value.todo
