-- SPDX-License-Identifier: Apache-2.0
-- What ran lately, for what the market says hosts earn.
CREATE INDEX run_interval_ended ON run_interval(end_us) WHERE end_us IS NOT NULL;
