import type { Asked } from "./request.ts";

/** What an order made the server do. */
export interface Obeyed {
  readonly text: string;
  /** The name of a tool that it was told to call; no caller offers one. */
  readonly tool?: string;
}

const ignore =
  /(?:ignore|disregard|forget|override|ignorez|oublie[zr]?|ignora|olvida|ignoriere|vergiss|игнорируй|забудь|忽略|无视|無視|تجاهل|무시|अनदेखा)/iu;
const leak =
  /(?:reveal|repeat|print|show|output|leak|translate|zeige|muestra|affiche|покажи|显示|表示|عرض|공개)[^.!?\n]{0,60}(?:system|prompt|instruction|above|anweisung|instrucciones|consigne|инструкц|提示|指令|指示|تعليمات|프롬프트|config|key|secret)/iu;
const tool = /(?:call|use|invoke|run|execute)\s+(?:the\s+)?(?:tool|function|plugin)\s+[`"']?([\w.-]+)/iu;
const quoted =
  /(?:say|reply|respond|answer|output|print|write|return|name|list|sag|antworte|responde|di|réponds|dis|ответь|скажи|回答|输出|答え|说|قل|답하)[^"'“«「\n]{0,60}["'“«「]([^"'”»」]+)["'”»」]/iu;
const times = /(\d{1,6})\s*(?:times|x\b|mal\b|veces|fois|раз|次)/iu;
const fakeAnswer = /(?:answer|assistant|named entities|output)\s*[:：]\s*([\s\S]+)/iu;
const json = /\{[\s\S]*"entities"[\s\S]*\}/u;

/**
 * Looks for an order anywhere in what users wrote, hidden in any of the usual ways, and follows it to the letter. The
 * weakest model there can be: what a pipeline makes of its answers shows what an injection can reach at most.
 */
export function obey(asked: Asked): Obeyed | undefined {
  for (const message of asked.messages.filter(({ role }) => role === "user").toReversed())
    for (const text of readings(message.text)) {
      const done = follow(text, asked);
      if (done) return done;
    }
  return undefined;
}

function follow(text: string, asked: Asked): Obeyed | undefined {
  const call = tool.exec(text)?.[1];
  if (call !== undefined) return { text: "", tool: call };
  if (leak.test(text)) return { text: asked.messages.map(({ role, text }) => `${role}: ${text}`).join("\n") };
  const said = quoted.exec(text)?.[1];
  const repeat = Number(times.exec(text)?.[1] ?? 1);
  if (said !== undefined) return { text: Array(Math.min(repeat, 100_000)).fill(said).join(" ") };
  const made = json.exec(text)?.[0] ?? fakeAnswer.exec(text)?.[1];
  if (made !== undefined) return { text: made };
  const order = ignore.exec(text);
  return order ? { text: text.slice(order.index) } : undefined;
}

/** A text as it stands, with data marks and invisible signs taken out, and what Base64 in it says. */
function readings(text: string): readonly string[] {
  const plain = text
    .normalize("NFKC")
    .replaceAll("ˆ", " ")
    .replace(/\p{Cf}/gu, "")
    .replaceAll("‹", "<")
    .replaceAll("›", ">");
  // Signs of the block "tags" spell ASCII that nobody sees.
  const tags = [...text]
    .map((sign) => sign.codePointAt(0)!)
    .filter((code) => code >= 0xe0020 && code < 0xe007f)
    .map((code) => String.fromCodePoint(code - 0xe0000))
    .join("");
  const hidden = (plain.match(/[A-Za-z0-9+/]{24,}={0,2}/g) ?? []).map((one) => Buffer.from(one, "base64").toString());
  return [plain, tags, ...hidden].filter((one) => one !== "");
}
