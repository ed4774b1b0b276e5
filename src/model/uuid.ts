/**
 * UUIDs in their one spelling: lower case, with hyphens. Ids are compared exactly, so another
 * spelling is another id (lessons 11).
 */

/** The spelling as text for a pattern; no anchors. */
export const UUID_TEXT = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** A whole text that is one, for JSON schemas. */
export const UUID_PATTERN = `^${UUID_TEXT}$`;
/** A whole text that is one. */
export const UUID = new RegExp(UUID_PATTERN);
