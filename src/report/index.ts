/** Presenters: a result in, lines of text out. No judgement, no I/O, no knowledge of terminals. */
export { type ClaimedImage, pictureOfClaims, type UnverifiedClaim } from './custody-claims.js';
export { renderCustodyDot } from './custody-dot.js';
export { explainCustody } from './custody-explain.js';
export { presentCustodyIndex } from './custody-index-text.js';
export { renderCustodyMermaid } from './custody-mermaid.js';
export type { CustodyPicture, ImageLayer, PictureState } from './custody-picture.js';
export { pictureOf } from './custody-picture-of.js';
export { renderCustodySvg } from './custody-svg.js';
export { type CustodyTextOptions, presentCustody } from './custody-text.js';
export { presentPicture } from './custody-tree.js';
export { countOf } from './custody-words.js';
export { formatSize, presentInspection, presentTree } from './inspect-text.js';
export { type Fragment, type Line, line, renderLines, type TextStyle } from './lines.js';
export { explainOutcome, presentOutcome, presentOutcomeLine } from './outcome-text.js';
export { presentRules } from './policy-explain-text.js';
export { explainRules, type RuleReport } from './policy-rules.js';
export { explainPromotion, type PromotionNames, presentPromotion } from './promote-text.js';
export { explainVerdict, presentVerdict, presentVerdictLine } from './verify-text.js';
