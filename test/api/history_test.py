#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The market's own history and places, as the clients ask for them (api.md 3.10)."""

import time
import unittest

from world import World
from patience import wait_until

HISTORY = "/api/v0/metrics/gpu/history/"
PLACES = "/api/v0/metrics/gpu/locations/"
SUPPLY = ("rented_verified", "avail_verified", "rented_unverified", "avail_unverified", "total")
PRICES = ("rented_p10", "rented_median", "rented_p90", "avail_p10", "avail_median", "avail_p90")


class History(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.ada = cls.world.user("ada", credit="25.00")
        cls.hal = cls.world.user("hal")
        cls.papers = [cls.hal.machine(gpus=gpus) for gpus in (4, 2)]
        for paper, price in zip(cls.papers, (0.2, 0.3)):
            paper.follow()
            cls.hal.ok("PUT", "/api/v0/machines/create_asks/", {"machine": paper.id, "price_gpu": price})
            paper.follow()

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def history(self, query):
        return self.world.call("GET", HISTORY + query)[1]["gpus"]

    def test_what_was_on_the_market_is_told_hour_by_hour(self):
        """One look an hour, soon after there is something to see; a server that begins again looks no second time."""
        query = "?gpu_name=RTX+4090&verified=all&hosting_type=all&num_gpus=all"
        wait_until("a first look", 60, lambda: self.history(query)["RTX 4090"]["supply_demand"]["timestamps"], 0.5)
        shown = self.history(query)["RTX 4090"]
        supply, prices = shown["supply_demand"], shown["pricing"]
        self.assertEqual(supply["timestamps"], prices["timestamps"])
        at, = supply["timestamps"]
        self.assertLess(abs(at - time.time()), 120)
        # What was kept was on the market then: one machine of the two, or both.
        free, = supply["total"]
        self.assertIn(free, (4, 6))
        self.assertEqual([supply[name] for name in SUPPLY], [[0], [free], [0], [0], [free]])
        self.assertEqual([prices[name] for name in PRICES[:4]], [[None], [None], [None], [0.2]])
        self.assertGreater(shown["stats"]["tflops"], 80)
        self.assertIsNone(shown["stats"]["dlperf"])

        self.world.restart()
        for paper in self.papers:
            paper.open()
            paper.follow()
        for same in ("", "?gpu_name=all", "?gpu_name=RTX_4090", "?gpu_name=RTX+4090&step=60", f"?gpu_name=RTX+4090&start={at - 7200}&end={at}"):
            self.assertEqual(self.history(same)["RTX 4090"]["supply_demand"], supply, same)
        for none in ("?gpu_name=RTX+4090&verified=no", "?gpu_name=RTX+4090&hosting_type=secure_cloud"):
            self.assertEqual(self.history(none)["RTX 4090"]["supply_demand"]["total"], [0], none)
        self.assertEqual(self.history("?gpu_name=RTX+4090&num_gpus=4")["RTX 4090"]["supply_demand"]["total"], [4])
        self.assertEqual(self.history(f"?gpu_name=RTX+4090&end={at - 3600}")["RTX 4090"]["supply_demand"]["timestamps"], [])
        both = self.history("?gpu_name=RTX 4090,H100_SXM,".replace(" ", "+"))
        self.assertEqual(sorted(both), ["H100 SXM", "RTX 4090"])
        self.assertEqual(both["H100 SXM"]["supply_demand"]["total"], [])

    def test_a_question_that_makes_no_sense_is_refused(self):
        for query in ("?verified=maybe", "?num_gpus=65", "?start=x", "?start=-1", "?step=1e3", "?start=20&end=10", "?end=100000000001",
                      "?gpu_name=" + ",".join(f"G{i}" for i in range(33))):
            status, reply = self.world.call("GET", HISTORY + query)
            self.assertEqual((status, reply["error"]), (400, "invalid_args"), query)
        self.assertEqual(len(self.history("?gpu_name=" + ",".join(f"G{i}" for i in range(32)) + "&start=0&end=100000000000")), 32)

    def test_where_gpus_are(self):
        def places():
            rows = self.world.call("GET", PLACES)[1]["locations"]
            return rows if sum(row["num_gpus"] for row in rows) == 6 else None

        rows = wait_until("all GPUs are told", 60, places, 0.5)
        self.assertEqual([(row["city"], row["country_code"], row["gpu_name"], row["rented"], row["verified"], row["datacenter"],
                           row["num_gpus"], row["latitude"]) for row in rows], [(None, None, "RTX 4090", False, True, False, 6, None)])


if __name__ == "__main__":
    unittest.main()
