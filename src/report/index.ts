/** Presenters: a result in, lines of text out. No judgement, no I/O, no knowledge of terminals. */
export { type ClaimedImage, pictureOfClaims, type UnverifiedClaim } from './custody-claims.js';
export { explainCustody } from './custody-explain.js';
export { type CustodyPicture, type ImageLayer, type PictureState, pictureOf } from './custody-picture.js';
export { type CustodyTextOptions, presentCustody, presentCustodyIndex } from './custody-text.js';
export { presentPicture } from './custody-tree.js';
export { formatSize, presentInspection, presentTree } from './inspect-text.js';
export { type Fragment, type Line, line, renderLines, type TextStyle } from './lines.js';
export { explainVerdict, presentVerdict, presentVerdictLine } from './verify-text.js';
