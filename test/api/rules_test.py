#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a market says of its own numbers is what it was started with, and what it does."""

import unittest

from world import World


class RulesTest(unittest.TestCase):
    def test_the_rules_are_those_of_the_options(self):
        with World("--payout-min", "25.50", "--spend-cap", "3", "--storage-when-offline", "skip",
                   "--downtime-credit", "40") as world:
            status, rules = world.call("GET", "/api/v0/rules/")
            self.assertEqual(status, 200)
            self.assertEqual(
                [rules["payout_min"], rules["spend_cap"], rules["storage_when_offline"],
                 rules["downtime_credit_percent"], rules["auto_verifies"], rules["allows_simulated"]],
                [25.5, 3, "skip", 40, True, True])

    def test_who_signs_up_accepts_the_terms(self):
        """Those that the market has now; without any, none are asked for."""
        new = {"email": "new@berth.test", "password": "correct horse battery"}
        with World("--terms", "2026-11", "--terms-url", "https://market.test/terms") as world:
            rules = world.call("GET", "/api/v0/rules/")[1]
            self.assertEqual([rules["terms"], rules["terms_url"]], ["2026-11", "https://market.test/terms"])
            for other in ({}, {"terms": None}, {"terms": ""}, {"terms": "2026-1"}, {"terms": "2026-11 "}):
                status, reply = world.call("POST", "/api/v0/users/", new | other)
                self.assertEqual([status, reply["error"]], [400, "terms_not_accepted"], other)
                self.assertIn("https://market.test/terms", reply["msg"])
            self.assertEqual(world.call("POST", "/api/v0/users/", new | {"terms": "2026-11"})[0], 200)
        with World() as world:
            rules = world.call("GET", "/api/v0/rules/")[1]
            self.assertEqual([rules["terms"], rules["terms_url"]], [None, None])
            self.assertEqual(world.call("POST", "/api/v0/users/", new | {"terms": "of another market"})[0], 200)

    def test_the_rules_are_those_that_hold(self):
        with World() as world:
            rules = world.call("GET", "/api/v0/rules/")[1]
            self.assertEqual([rules["payout_min"], rules["spend_cap"], rules["storage_when_offline"],
                              rules["downtime_credit_percent"]], [10, None, "charge", 0])
            self.assertEqual(rules["reserved"], [{"months": 1, "percent": 20}, {"months": 3, "percent": 30},
                                                 {"months": 6, "percent": 40}])
            ada, host = world.user("ada", credit="5.00"), world.user("host")
            machine = host.machine()
            host.ok("PUT", "/api/v0/machines/create_asks/", {"machine": machine.id, "price_gpu": 0.36})
            machine.follow()
            offer = world.call("POST", "/api/v0/bundles/", {})[1]["offers"][0]
            self.assertAlmostEqual(offer["reliability"] * 100, rules["reliability_new_percent"], 3)
            self.assertEqual([rules["deposit_min"], rules["deposit_max"], rules["audit_days"]], [5, 10000, 400])
            self.assertEqual(offer["platform_fee"] * 100, rules["fee_percent"])
            self.assertEqual(offer["credit_discount_max"] * 100, rules["discount_default_percent"])
            short = {"password": "x" * (rules["password_min"] - 1), "email": "new@berth.test"}
            self.assertEqual(world.call("POST", "/api/v0/users/", short)[0], 400)
            short["password"] += "x"
            self.assertEqual(world.call("POST", "/api/v0/users/", short)[0], 200)
            path, rent = f"/api/v0/asks/{offer['id']}/", {"image": "debian:12", "price": 0.3}
            rent["grace"] = rules["grace_max_s"] + 1
            self.assertEqual(ada.call("PUT", path, rent)[0], 400)
            gpus = offer["num_gpus"]
            rent |= {"grace": rules["grace_max_s"], "price": (0.1 + 1.5 * rules["bid_step"]) * gpus}
            status, made = ada.call("PUT", path, rent)
            self.assertEqual(status, 200)
            bid = ada.ok("GET", f"/api/v0/instances/{made['new_contract']}/")["instances"]
            self.assertAlmostEqual(bid["dph_base"], (0.1 + rules["bid_step"]) * gpus, 9)


if __name__ == "__main__":
    unittest.main(verbosity=2)
