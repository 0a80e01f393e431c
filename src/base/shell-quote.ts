/** A word for a POSIX shell, quoted only when it has to be, so that the command in a hint works when it is pasted. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Is this advice a command and nothing else? Such a line is never folded: from two a shell would run two. */
export function isCommandLine(advice: string): boolean {
  return advice.startsWith('touchmark ') && !/[;,]/.test(advice);
}
