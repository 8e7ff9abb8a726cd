/**
 * Words that letters and symbols make together. Each pattern is sticky, reads a bounded look-ahead or consumes what it
 * reads, so that the whole text is split in linear time.
 */
const url = /https?(?::\/{0,2}[\w\-.~:/?#[\]@!$&'()*+,;=%]*…?|…)|www\.[\w\-.~:/?#[\]@!$&'()*+,;=%]+…?/iy;
const domainWithPath = /[\w-]{1,63}(?:\.[a-z\d-]{1,63}){1,4}\/[\w\-.~:/?#[\]@!$&'()*+,;=%]*…?/iy;
const email = /[\w.+-]{1,64}@[a-z\d-]{1,63}(?:\.[a-z\d-]{1,63}){0,3}\.[a-z]{2,24}(?!\w)/y;
const trailing = /[.,!?:;'"\])*]+$/;
const emoticon = /[:;=]['-]?[)(DPpOo3/\\|*\][](?![\w/])|<[/\\]?3(?!\w)|\^[_.-]?\^/y;
const entity = /&(?:amp|lt|gt|quot|nbsp|#\d{1,6});/y;

/** Length of the match of a sticky pattern at `at`; 0 where it does not match. */
function lengthAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex - at : 0;
}

/** Length of a link at `at`, without the punctuation that only closes the sentence around it; 0 where there is none. */
export function linkLength(text: string, at: number): number {
  const first = text.charCodeAt(at) | 32; // lower case
  const length = (first === 104 || first === 119) && lengthAt(url, text, at); // h, w
  return untrailed(text, at, length || lengthAt(domainWithPath, text, at)) || lengthAt(email, text, at);
}

function untrailed(text: string, at: number, length: number): number {
  if (length === 0) return 0;
  let end = at + length;
  const tail = text.slice(Math.max(at, end - 32), end);
  const cut = trailing.exec(tail)?.[0] ?? "";
  if (!(cut.startsWith(")") && text.slice(at, end).includes("("))) end -= cut.length;
  return end - at;
}

/** Length of an emoticon such as `:-)`; the caller knows that no letter stands before it. */
export const emoticonLength = (text: string, at: number): number => lengthAt(emoticon, text, at);

/** Length of an HTML entity such as `&amp;`, which several services leave in the text of posts. */
export const entityLength = (text: string, at: number): number => lengthAt(entity, text, at);
