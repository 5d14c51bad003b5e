// SPDX-License-Identifier: Apache-2.0
/** Light or dark: what the system says until somebody chooses here. */
import { store } from './store';

export type Theme = 'light' | 'dark';

const KEPT = 'berth-theme';
const system = matchMedia('(prefers-color-scheme: dark)');

const chosen = (): Theme => {
  const kept = localStorage.getItem(KEPT);
  return kept === 'light' || kept === 'dark' ? kept : system.matches ? 'dark' : 'light';
};

export const theme = store<Theme>(chosen());

function show(value: Theme): void {
  document.documentElement.dataset.theme = value;
  theme.set(value);
}

export function startTheme(): void {
  show(chosen());
  system.addEventListener('change', () => show(chosen()));
}

export function switchTheme(): void {
  const other = theme.get() === 'dark' ? 'light' : 'dark';
  localStorage.setItem(KEPT, other);
  show(other);
}
