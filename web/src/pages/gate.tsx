// SPDX-License-Identifier: Apache-2.0
/** Logging in, signing up, and another password. Each is one form after the other on one page. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { call } from '../lib/api';
import { go, usePlace } from '../lib/router';
import { useRules } from '../lib/rules';
import { begin, firstKey, session } from '../lib/session';
import { useStore } from '../lib/store';
import { Button, Check, Field, Notice, Page, toast, useAct } from '../ui/parts';

function Gate({ title, children, error, onSubmit }: {
  title: string; children: ComponentChildren; error: string | null; onSubmit: () => void;
}) {
  return (
    <div class="gate">
      <Page title={title}>
        <div class="card">
          <form onSubmit={(event) => { event.preventDefault(); onSubmit(); }}>
            {error && <Notice kind="bad">{error}</Notice>}
            {children}
          </form>
        </div>
      </Page>
    </div>
  );
}

/** Where to go on: only within this console. */
function onwards(query: URLSearchParams, path: string): string {
  const to = query.get('to');
  if (to && /^\/(?![/\\])/.test(to)) return to;
  return ['/login', '/signup', '/forgot'].includes(path) ? '/' : location.pathname + location.search;
}

const carried = (query: URLSearchParams): string => {
  const to = query.get('to');
  return to ? `?to=${encodeURIComponent(to)}` : '';
};

function CodeField({ value, onInput, label = 'Code', hint }: {
  value: string; onInput: (text: string) => void; label?: string; hint?: string;
}) {
  return <Field label={label} value={value} required autoFocus autocomplete="one-time-code" hint={hint}
    onInput={(event) => onInput(event.currentTarget.value.trim())} />;
}

function Email({ value, onInput }: { value: string; onInput: (text: string) => void }) {
  return <Field label="Email" type="email" value={value} required autocomplete="username"
    onInput={(event) => onInput(event.currentTarget.value.trim())} />;
}

function Password({ value, onInput, isNew = false }: { value: string; onInput: (text: string) => void; isNew?: boolean }) {
  const least = useRules()?.password_min ?? 1;
  return <Field label={isNew ? 'New password' : 'Password'} type="password" value={value} required
    minLength={isNew ? least : 1} autocomplete={isNew ? 'new-password' : 'current-password'}
    hint={isNew ? `At least ${least} characters; a sentence is fine.` : undefined}
    onInput={(event) => onInput(event.currentTarget.value)} />;
}

export function LoginPage(_: { id: number }) {
  const { path, query } = usePlace();
  const { hasEnded } = useStore(session);
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [secret, setSecret] = useState<string | null>(null);
  const [code, setCode] = useState('');
  const [isBackup, setBackup] = useState(false);
  const { busy, error, act } = useAct();

  const enter = async (csrf: string | null): Promise<void> => {
    const to = onwards(query, path);
    await begin(csrf);
    go(to, 'replace');
  };
  const first = (): void => act(async () => {
    const reply = await call('POST /api/v0/sessions/', { body: { email, password, cookie: true } });
    if (reply.tfa_required) setSecret(reply.secret);
    else await enter(reply.csrf);
  });
  const second = (): void => act(async () => {
    const shown = isBackup ? { backup_code: code } : { tfa_method: 'totp' as const, code };
    const reply = await call('POST /api/v0/tfa/', { body: { ...shown, secret, cookie: true } });
    await enter(reply.csrf);
  });

  if (secret !== null) {
    return (
      <Gate title="Second factor" error={error} onSubmit={second}>
        <CodeField value={code} onInput={setCode} label={isBackup ? 'Backup code' : 'Code from your app'}
          hint={isBackup ? 'One of the ten that you kept: XXXX-XXXX-XXXX.' : 'Six digits, from your authenticator app.'} />
        <Button kind="primary" type="submit" busy={busy}>Log in</Button>
        <Button kind="quiet" onClick={() => { setBackup(!isBackup); setCode(''); }}>
          {isBackup ? 'Use the app' : 'Use a backup code'}
        </Button>
      </Gate>
    );
  }
  return (
    <Gate title="Log in" error={error} onSubmit={first}>
      {hasEnded && <Notice kind="warn">Your session has ended. Log in, and you are back at what you were looking at.</Notice>}
      <Email value={email} onInput={setEmail} />
      <Password value={password} onInput={setPassword} />
      <Button kind="primary" type="submit" busy={busy}>Log in</Button>
      <p class="row spread small">
        <a href={`/signup${carried(query)}`}>Make an account</a>
        <a href="/forgot">Forgot the password?</a>
      </p>
    </Gate>
  );
}

export function SignUpPage(_: { id: number }) {
  const { path, query } = usePlace();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [isSent, setSent] = useState(false);
  const [code, setCode] = useState('');
  const [accepts, setAccepts] = useState(false);
  const rules = useRules();
  const { busy, error, act } = useAct();

  const ask = (): void => act(async () => {
    await call('POST /api/v0/users/', { body: { email, password, ...(rules?.terms && accepts ? { terms: rules.terms } : {}) } });
    setSent(true);
  });
  const verify = (): void => act(async () => {
    const to = onwards(query, path);
    const made = await call('POST /api/v0/users/verify/', { body: { code } });
    const reply = await call('POST /api/v0/sessions/', { body: { email, password, cookie: true } });
    firstKey.set(made.api_key);
    await begin(reply.csrf);
    go(to, 'replace');
  });

  if (isSent) {
    return (
      <Gate title="Look at your mail" error={error} onSubmit={verify}>
        <p>We have sent a code to <strong>{email}</strong>.</p>
        <CodeField value={code} onInput={setCode} label="Code from the mail" />
        <Button kind="primary" type="submit" busy={busy}>Make the account</Button>
        <Button kind="quiet" onClick={() => { setSent(false); setCode(''); }}>Another email, or send it again</Button>
      </Gate>
    );
  }
  return (
    <Gate title="Make an account" error={error} onSubmit={ask}>
      <Email value={email} onInput={setEmail} />
      <Password value={password} onInput={setPassword} isNew />
      {rules?.terms && (
        <Check label={<>I accept the <a href={rules.terms_url ?? ''} target="_blank" rel="noreferrer">terms of this market</a> ({rules.terms})</>} checked={accepts} onChange={setAccepts} />
      )}
      <Button kind="primary" type="submit" busy={busy}>Send me a code</Button>
      <p class="small">One account rents and lends. <a href={`/login${carried(query)}`}>I have one already</a></p>
    </Gate>
  );
}

export function ForgotPage(_: { id: number }) {
  const [email, setEmail] = useState('');
  const [isSent, setSent] = useState(false);
  const [code, setCode] = useState('');
  const [password, setPassword] = useState('');
  const { busy, error, act } = useAct();

  const ask = (): void => act(async () => {
    await call('POST /api/v0/users/reset_password/', { body: { email } });
    setSent(true);
  });
  const set = (): void => act(async () => {
    await call('POST /api/v0/users/reset_password/confirm/', { body: { code, password } });
    toast('The password is changed, and everybody is logged out. Log in with the new one.');
    go('/login');
  });

  if (isSent) {
    return (
      <Gate title="Another password" error={error} onSubmit={set}>
        <p>If there is an account for <strong>{email}</strong>, a code is on its way there.</p>
        <CodeField value={code} onInput={setCode} label="Code from the mail" />
        <Password value={password} onInput={setPassword} isNew />
        <Button kind="primary" type="submit" busy={busy}>Change the password</Button>
      </Gate>
    );
  }
  return (
    <Gate title="Forgot the password?" error={error} onSubmit={ask}>
      <p class="muted">Type the email of your account. We send a code there, with which you choose another password.</p>
      <Email value={email} onInput={setEmail} />
      <Button kind="primary" type="submit" busy={busy}>Send me a code</Button>
      <p class="small"><a href="/login">Back</a></p>
    </Gate>
  );
}
