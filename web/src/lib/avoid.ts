// SPDX-License-Identifier: Apache-2.0
/** Machines that somebody does not want again: left out of what this browser searches, until that is taken back. */
import { store } from './store';

const KEPT = 'berth-avoid';
const MAX = 200;

function read(): number[] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? '[]') as unknown;
    return Array.isArray(kept) ? kept.filter((one): one is number => Number.isInteger(one)).slice(-MAX) : [];
  } catch {
    return [];
  }
}

export const avoided = store<number[]>(read());

export function avoid(machine: number, on: boolean): void {
  const rest = avoided.get().filter((one) => one !== machine);
  const list = on ? [...rest, machine].slice(-MAX) : rest;
  avoided.set(list);
  localStorage.setItem(KEPT, JSON.stringify(list));
}
