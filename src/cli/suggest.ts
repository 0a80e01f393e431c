export { editDistance, nearest } from '../base/nearest.js';
