// SPDX-License-Identifier: Apache-2.0
/** Hands the reader a file that was made, or fetched, here. */
export function download(name: string, text: string, type = 'text/csv'): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** One field of a CSV file. A spreadsheet takes what begins so for a formula: it gets an apostrophe before it. */
function field(value: string | number | null): string {
  const text = String(value ?? '');
  const plain = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

export const csv = (rows: (string | number | null)[][]): string => rows.map((row) => `${row.map(field).join(',')}\r\n`).join('');
