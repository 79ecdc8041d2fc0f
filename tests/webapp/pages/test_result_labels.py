"""What results are called in lists: what tells them apart comes first."""

from __future__ import annotations

from dataclasses import replace

from separation.request import Request, SolverSettings
from tests.support.studio_values import a_result
from webapp.pages.studio.timeline.result_labels import labels_of


def test_what_differs_comes_first_then_the_time_then_what_they_share():
    one, other = a_result("drums", minute=1), a_result("drums", minute=2)
    one, other = (
        replace(kept, settings=Request.of("drums", backend="builtin", solver=SolverSettings(n_steps=steps)).to_dict())
        for kept, steps in ((one, 8), (other, 16))
    )
    said = [label.split(" · ") for label in labels_of([one, other]).values()]
    assert [words[0] for words in said] == ["steps 8", "steps 16"]
    assert [words[2:] for words in said] == [["drums", "Built-in separator"]] * 2


def test_sounds_that_differ_come_before_all_else():
    labels = labels_of([a_result("drums", minute=1), a_result("bass", minute=2)]).values()
    assert [label.split(" · ")[0] for label in labels] == ["drums", "bass"]
