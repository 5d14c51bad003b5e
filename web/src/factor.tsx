// SPDX-License-Identifier: Apache-2.0
/** Some acts need the second factor within the last half hour: this asks for it, and the act goes on. */
import { useEffect, useState } from 'preact/hooks';
import { call, whenFactorNeeded } from './lib/api';
import { Button, Dialog, Field, Notice, useAct } from './ui/parts';

export function Factor() {
  const [answer, setAnswer] = useState<((isShown: boolean) => void) | null>(null);
  const [code, setCode] = useState('');
  const { busy, error, act } = useAct();

  useEffect(() => whenFactorNeeded(() => new Promise((resolve) => setAnswer(() => resolve))), []);
  if (!answer) return null;
  const end = (isShown: boolean): void => {
    answer(isShown);
    setAnswer(null);
    setCode('');
  };
  const show = (): void => act(async () => {
    const { secret } = await call('POST /api/v0/tfa/authorize-new-method/', { body: { tfa_method: 'totp' } });
    await call('PUT /api/v0/tfa/authorize-new-method/', { body: { tfa_method: 'totp', code, secret } });
    end(true);
  });
  return (
    <Dialog title="Confirm that it is you" onClose={() => end(false)}>
      <p class="muted">This is a sensitive act. Type the code that your authenticator app shows now.</p>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); show(); }}>
        <Field label="Code" value={code} inputMode="numeric" autocomplete="one-time-code" autoFocus required
          onInput={(event) => setCode(event.currentTarget.value)} />
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy}>Confirm</Button>
      </form>
    </Dialog>
  );
}
