// SPDX-License-Identifier: Apache-2.0
/** Who is here. A mark in this browser says whether there may be a session at all, so that who has
 * none is not answered with a refusal at each visit. */
import type { Team, User, UserDeleteRequest } from '#api';
import { call, Refusal, sentence, setCsrf, setTeam, whenExpired } from './api';
import { startLive, stopLive } from './live';
import { forgetNews } from './news';
import { store } from './store';

export interface Session {
  state: 'unknown' | 'out' | 'in';
  user: User | null;
  teams: Team[];
  team: number | null;
  hasEnded: boolean; // out, and not by one's own press of Log out here
  trouble: string | null; // why it is not known yet
}

const MARK = 'berth-session';
const TEAM = 'berth-team';
const AGAIN_MS = 3000;
const nobody: Session = { state: 'out', user: null, teams: [], team: null, hasEnded: false, trouble: null };

export const session = store<Session>({ ...nobody, state: 'unknown' });
/** The key that signing up has answered: shown once, and in no storage. */
export const firstKey = store<string | null>(null);

function forget(hasEnded = false): void {
  localStorage.removeItem(MARK);
  sessionStorage.removeItem(TEAM);
  setCsrf(null);
  setTeam(null);
  stopLive();
  forgetNews();
  session.set({ ...nobody, hasEnded });
}

/** Null where one's role in a team does not let one see its account. */
async function readUser(): Promise<User | null> {
  try {
    return await call('GET /api/v0/users/current/');
  } catch (error) {
    if (error instanceof Refusal && error.status === 403) return null;
    throw error;
  }
}

export async function refreshUser(): Promise<void> {
  session.set({ ...session.get(), state: 'in', user: await readUser() });
}

/** The teams once more, after one was made, joined or left. */
export async function refreshTeams(): Promise<void> {
  const { teams } = await call('GET /api/v0/teams/');
  session.set({ ...session.get(), teams });
}

async function enter(): Promise<void> {
  const chosen = Number(sessionStorage.getItem(TEAM)) || null;
  setTeam(null);
  const { teams } = await call('GET /api/v0/teams/');
  const team = teams.some((one) => one.id === chosen) ? chosen : null;
  setTeam(team);
  session.set({ state: 'in', user: await readUser(), teams, team, hasEnded: false, trouble: null });
  startLive();
}

/** Who was here comes back. A market that does not answer has ended no session: it is asked again. */
export async function resume(): Promise<void> {
  whenExpired(() => forget(true));
  if (localStorage.getItem(MARK) === null) return session.set(nobody);
  try {
    const current = await call('GET /api/v0/sessions/current/');
    setCsrf(current.csrf);
    await enter();
  } catch (reason) {
    if (reason instanceof Refusal && reason.status === 401) return forget(true);
    session.set({ ...session.get(), trouble: sentence(reason) });
    setTimeout(() => void resume(), AGAIN_MS);
  }
}

/** After logging in: what its reply says goes with every change from now on. */
export async function begin(csrf: string | null): Promise<void> {
  localStorage.setItem(MARK, '1');
  setCsrf(csrf);
  await enter();
}

export async function logOut(): Promise<void> {
  stopLive(); // else it asks once more, for a session that is over
  try {
    await call('DELETE /api/v0/sessions/current/');
  } finally {
    forget();
  }
}

/** The account is deleted, and with it what this browser knew of it. */
export async function deleteAccount(body: UserDeleteRequest): Promise<string> {
  stopLive();
  try {
    const { msg } = await call('DELETE /api/v0/users/', { body });
    forget();
    return msg;
  } catch (error) {
    startLive();
    throw error;
  }
}

export async function actFor(team: number | null): Promise<void> {
  if (team === null) sessionStorage.removeItem(TEAM);
  else sessionStorage.setItem(TEAM, String(team));
  stopLive();
  await enter();
}
