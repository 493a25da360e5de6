# SPDX-License-Identifier: Apache-2.0
"""The soak tests of tests/soak, a few seconds of each; `make soak` runs them in full."""
import os
import pathlib
import sys

import harness

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "soak"))
import soak  # noqa: E402


def ready():
    if not os.path.exists(os.path.join(soak.rig.BUILD, "bench", "load")):
        raise harness.Skip("the load generator is not built: make tools")


def test_kill_9_under_load_loses_and_doubles_no_finished_answer():
    ready()
    soak.kill9(cycles=3)


def test_hundreds_of_streams_open_at_once_end_whole():
    ready()
    soak.streams(n=400, events=2)


def test_reloads_under_load_fail_no_request():
    ready()
    soak.reloads(n=8)


def test_aborts_and_errors_mixed_give_no_answer_to_the_wrong_client():
    ready()
    soak.chaos(requests=10000, connections=64)


def test_memory_stays_flat_once_warm():
    ready()
    soak.memory(rounds=3, requests=2000)


for test in [t for name, t in list(globals().items()) if name.startswith("test_")]:
    test.limit = 60
del test
