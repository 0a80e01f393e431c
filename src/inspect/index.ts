/** Looking: decode and show what is there, judge nothing, fail for nothing but the image itself. */
export { type Attachment, findAttachments } from './attachments.js';
export { diagnose, type Finding, type Host } from './diagnose.js';
export { type InspectedSignature, type Inspection, inspectImage } from './inspect-image.js';
export { buildTree, type TreeNode, type TreeOptions } from './tree.js';
