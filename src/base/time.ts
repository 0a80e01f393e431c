/** RFC 3339 in UTC with whole seconds, as signed documents and annotations have it; fractions are dropped. */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
