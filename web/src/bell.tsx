// SPDX-License-Identifier: Apache-2.0
/** What has happened since one looked last, behind a bell that says how much. */
import { useEffect, useRef } from 'preact/hooks';
import { ago } from './lib/format';
import { news, readNews } from './lib/news';
import { useStore } from './lib/store';
import { Icon } from './ui/icons';

export function Bell() {
  const list = useStore(news);
  const ref = useRef<HTMLDetailsElement>(null);
  const unread = list.filter((one) => !one.isRead).length;

  useEffect(() => {
    const close = (event: Event): void => {
      if (!ref.current?.open) return;
      const isWithin = ref.current.contains(event.target as Node) && !(event.target as Element).closest?.('a');
      const isEscape = event instanceof KeyboardEvent && event.key === 'Escape';
      if (isWithin && !isEscape) return;
      ref.current.open = false;
      if (isEscape && ref.current.contains(document.activeElement)) ref.current.querySelector('summary')?.focus();
    };
    addEventListener('click', close);
    addEventListener('keydown', close);
    return () => { removeEventListener('click', close); removeEventListener('keydown', close); };
  }, []);
  return (
    <details class="bell" ref={ref} onToggle={() => { if (ref.current && !ref.current.open && unread > 0) readNews(); }}>
      <summary class="button quiet" aria-label={unread > 0 ? `News: ${unread} unread` : 'News'}>
        <Icon name="bell" />{unread > 0 && <span class="badge" aria-hidden="true">{unread}</span>}
      </summary>
      <div class="popover">
        <h2>News</h2>
        {list.length === 0 ? <p class="muted">Nothing has happened since this browser knows your account.</p> : (
          <ol>{list.map((one) => (
            <li key={`${one.at} ${one.text}`} class={one.isRead ? undefined : 'unread'}><a href={one.link}>{one.text}</a><span class="muted small">{ago(one.at)}</span></li>
          ))}</ol>
        )}
        <p class="small"><a href="/settings?tab=notifications">What you are told of by mail and webhook</a></p>
      </div>
    </details>
  );
}
