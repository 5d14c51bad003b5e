// SPDX-License-Identifier: Apache-2.0
/** The numbers that this market goes by. They are asked for once, and said by every page alike. */
import { useEffect } from 'preact/hooks';
import type { RulesReply } from '#api';
import { call } from './api';
import { store, useStore } from './store';

const rules = store<RulesReply | null>(null);
let asked: Promise<void> | null = null;

export function useRules(): RulesReply | null {
  useEffect(() => {
    asked ??= call('GET /api/v0/rules/').then((reply) => rules.set(reply), () => { asked = null; });
  }, []);
  return useStore(rules);
}
