// SPDX-License-Identifier: Apache-2.0
/** Onto the clipboard; false: this browser does not let a page do that. It lends its clipboard to pages that came encrypted
 * alone, and a market of one's own may be reached without: there a selection is copied, as by hand. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** Within the dialog that is open, if one is: the page behind it can select nothing. */
function copySelected(text: string): boolean {
  const was = document.activeElement;
  const box = document.createElement('textarea');
  box.value = text;
  box.readOnly = true;
  box.className = 'sr';
  ([...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body).append(box);
  box.select();
  const isDone = document.execCommand('copy');
  box.remove();
  if (was instanceof HTMLElement) was.focus();
  return isDone;
}
