// SPDX-License-Identifier: Apache-2.0
import { useId } from 'preact/hooks';
import { AREAS, levelOf, withLevel, type Level } from '../lib/scopes';

const LEVELS: [Level, string][] = [['none', 'No access'], ['read', 'Read'], ['write', 'Read & Write']];

/** A row for each part of the account, a column for how much of it. */
export function Scopes({ chosen, onChange }: { chosen: string[]; onChange: (scopes: string[]) => void }) {
  const id = useId();
  return (
    <div class="table columns" role="region" aria-label="What it may do" tabIndex={0}>
      <table class="matrix">
        <thead><tr><th scope="col">What it may do</th>{LEVELS.map(([, name]) => <th key={name} scope="col">{name}</th>)}</tr></thead>
        <tbody>
          {AREAS.map(([name, hint, read, write]) => (
            <tr key={name}>
              <th scope="row">{name}<div class="muted small">{hint}</div></th>
              {LEVELS.map(([level, text]) => (
                <td key={level}>{(level !== 'write' || write !== null) && (
                  <input type="radio" name={`${id}-${name}`} aria-label={`${name}: ${text}`} checked={levelOf(chosen, read, write) === level} onChange={() => onChange(withLevel(chosen, read, write, level))} />
                )}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
