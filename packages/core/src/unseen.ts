/** Characters in a name that nobody sees: two names that differ in them alone look the same. */

/**
 * Controls and format characters can also dress up what a screen shows, and what is unassigned may come to. U+2800 is the blank of
 * Braille: a symbol to Unicode, nothing on a screen.
 */
export const unseen: RegExp = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Most names are such; it is told sooner than that none of Unicode's categories is in the way. */
const plain = /^[\x20-\x7e]*$/;

export function isAllSeen(name: string): boolean {
  return plain.test(name) || !unseen.test(name);
}
