/** Invented posts of about 200 bytes of JSON, one in four with characters beyond ASCII; the same for the same index. */
const texts = [
  "Grace Hopper and Katherine Johnson on one stage in Arlington tonight, I can't believe it! #history",
  "RT @northwind: Lisbon to Porto by train in under three hours, best seat is on the left side",
  "Who else thinks Valencia will beat Sevilla on Sunday? @liga_fan says no, I say 3-1",
  "São Paulo under rain again ☔ but the Pinacoteca is open late, go see the Tarsila room 🎨🇧🇷",
];

export function postLine(index: number): string {
  return JSON.stringify({
    id: String(1_000_000 + index),
    text: `${texts[index % texts.length]} https://t.co/${index.toString(36)}`,
    language: "en",
    createdAt: "2017-01-01T00:00:00Z",
    author: { handle: `user${index % 997}` },
  });
}

export const postLines = (count: number): string[] => Array.from({ length: count }, (_, i) => postLine(i));

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
