/** A word for a POSIX shell, quoted only when it has to be, so that the command in a hint works when it is pasted. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
