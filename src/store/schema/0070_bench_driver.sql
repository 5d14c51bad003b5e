-- SPDX-License-Identifier: Apache-2.0
-- Which driver its GPUs had when a machine was measured: '' where that was not said.
ALTER TABLE machine ADD COLUMN bench_driver TEXT NOT NULL DEFAULT '';
