// SPDX-License-Identifier: Apache-2.0
import { SCOPES } from '../lib/scopes';
import { Check } from './parts';

export function Scopes({ chosen, onChange }: { chosen: string[]; onChange: (scopes: string[]) => void }) {
  return (
    <fieldset>
      <legend><h3>What it may do</h3></legend>
      {SCOPES.map(([scope, label]) => (
        <Check key={scope} label={label} checked={chosen.includes(scope)} onChange={(on) => onChange(on ? [...chosen, scope] : chosen.filter((one) => one !== scope))} />
      ))}
    </fieldset>
  );
}
