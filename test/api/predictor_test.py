#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is learned from runs is told, and used where it errs less; the operator can say no."""

import csv
import pathlib
import subprocess
import tempfile
import unittest

from world import BIN, World
from patience import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADING = "task,series,gpu_name,per_second\n"


def planted():
    """Every model renders as fast as its memory and its processors, each to the power of 0.4."""
    with open(ROOT / "data/gpus.csv", encoding="ascii") as file:
        return HEADING + "".join(
            f"rendering,planted,{row['name']},{(int(row['memory_mbs']) * int(row['fp32_gflops'])) ** 0.4:.6f}\n"
            for row in csv.DictReader(file))


def asked(world, name="rendering", gpu="RTX%204090"):
    """The reply, once the runs were looked at."""
    def learned():
        reply = world.call("GET", f"/api/v0/dlperf/?gpu_name={gpu}&profile={name}")[1]
        task = next(task for task in reply["tasks"] if task["name"] == name)
        return (reply, task) if task["predictor"]["runs"] > 0 else None

    return wait_until("something is learned", 30, learned, 0.1)


class PredictorTest(unittest.TestCase):
    def setUp(self):
        self.runs = tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="ascii")
        self.addCleanup(self.runs.close)
        self.runs.write(planted())
        self.runs.flush()

    def test_what_is_known_leaves_the_formula(self):
        with World() as world:
            reply, task = asked(world, "llm-decode")
            self.assertEqual((task["by"], task["predictor"]["state"]), ("formula", "no run on a V100"))
            self.assertGreater(task["predictor"]["formula_error"], task["predictor"]["error"])
            self.assertAlmostEqual(reply["score"], 21 * task["speed"], 6)
            images = next(task for task in reply["tasks"] if task["name"] == "resnet50-fp32")
            self.assertEqual(images["predictor"]["state"], "not better")

    def test_what_is_better_is_used(self):
        with World("--runs", self.runs.name) as world:
            reply, task = asked(world)
            self.assertEqual((task["by"], task["predictor"]["state"]), ("learned", "used"))
            self.assertLess(task["predictor"]["error"], 0.2 * task["predictor"]["formula_error"])
            self.assertAlmostEqual(task["speed"], (82580 / 15700 * 1008 / 900) ** 0.4, delta=0.15)
            self.assertAlmostEqual(reply["score"], 21 * task["speed"], 6)
            self.assertAlmostEqual(asked(world, gpu="Tesla%20V100")[0]["score"], 21, 9)

    def test_the_operator_can_say_no(self):
        with World("--runs", self.runs.name, "--predictor", "off") as world:
            _, task = asked(world)
            self.assertEqual((task["by"], task["predictor"]["state"]), ("formula", "off"))

    def test_a_file_that_makes_no_sense_is_refused(self):
        self.runs.write("knitting,planted,RTX 4090,5\n")
        self.runs.flush()
        with tempfile.TemporaryDirectory() as data:
            for options, says in ((["--runs", self.runs.name], "a task that nobody knows"),
                                  (["--runs", "/nowhere"], "/nowhere"),
                                  (["--predictor", "maybe"], "--predictor is on or off")):
                done = subprocess.run([BIN / "berthd", "serve", "--data", data, "--listen", "127.0.0.1:0", *options],
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main()
