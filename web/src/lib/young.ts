// SPDX-License-Identifier: Apache-2.0
/** Whether a market is young: nothing in it is yet what a search begins with, as a machine takes days to be known as reliable.
 * There a search begins without that, rather than with nothing. It is asked when a search finds nothing, once. */
import { call } from './api';
import { searchOf } from './query';
import { store } from './store';

/** null: not known, and so taken for a market that is not. */
export const young = store<boolean | null>(null);
let isAsked = false;

export function askWhetherYoung(): void {
  if (isAsked) return;
  isAsked = true;
  const { allocated_storage: disk, reliability, duration } = searchOf(new URLSearchParams({ unverified: '1' }), false);
  call('POST /api/v0/bundles/', { body: { allocated_storage: disk, reliability, duration, include_unavailable: true, limit: 1 } }).then(
    ({ offers }) => young.set(offers.length === 0), () => { isAsked = false; young.set(false); });
}
