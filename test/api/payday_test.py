#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From a rental to the host's bank, over a Friday: what is told of a payout at each step, and when it was paid."""

import subprocess
import unittest

from payday import HOUR_S, Payday
from world import BIN


class PaydayTest(unittest.TestCase):
    def test_a_host_is_paid_on_friday(self):
        with Payday() as market:
            before = market.told()
            self.assertEqual((before["payouts"], before["next_token"], before["owed"]), ([], None, 0))
            self.assertGreater(before["earned"], 0.3)
            number = market.send()
            told = market.told()
            payout, = told["payouts"]
            self.assertEqual((payout["id"], payout["provider"], payout["paid_at"], payout["late"]), (number, "stripe", None, False))
            self.assertEqual((payout["cut"], payout["expected"]), (market.friday, market.friday + 96 * HOUR_S))
            self.assertEqual(told["next_cut"], market.friday + 168 * HOUR_S)
            self.assertAlmostEqual(told["total"], before["total"], 6)
            market.pass_until(market.friday + 30 * HOUR_S)
            paid = market.arrive()
            self.assertEqual(paid["id"], number)
            self.assertLess(abs(paid["paid_at"] - market.stripe.clock()), 60)
            self.assertEqual([one["amount"] for one in market.stripe.of_kind("payout")], [round(paid["amount"] * 100)])
            # When it was paid stays, whatever comes later; the run and the provider may say it again.
            market.pass_until(market.friday + 100 * HOUR_S)
            again, = market.told()["payouts"]
            self.assertEqual(again, paid)
            done = subprocess.run([BIN / "berthd", "check", "--data", market.world.data], capture_output=True, text=True,
                                  timeout=120, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
