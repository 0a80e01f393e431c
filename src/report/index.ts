/** Presenters: a result in, lines of text out. No judgement, no I/O, no knowledge of terminals. */
export { formatSize, presentInspection, presentTree } from './inspect-text.js';
export { type Fragment, type Line, line, renderLines, type TextStyle } from './lines.js';
export { explainVerdict, presentVerdict, presentVerdictLine } from './verify-text.js';
