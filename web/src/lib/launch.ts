// SPDX-License-Identifier: Apache-2.0
/** How an instance is launched, in the console's three kinds. */

export const LAUNCHES: [string, string][] = [['ssh', 'SSH'], ['jupyter', 'Jupyter + SSH'], ['args', 'Command']];

/** Of an instance's runtype, which may name several ways in: "jupyter_direc ssh_direc ssh_proxy". */
export const launchOf = (runtype: string): string => (runtype.includes('jupyter') ? 'jupyter' : runtype.includes('ssh') ? 'ssh' : 'args');

export const launchName = (runtype: string): string => LAUNCHES.find(([kind]) => kind === launchOf(runtype))?.[1] ?? runtype;
