// What a program written in JavaScript does with the official client.
//
//   node client.mjs URL talk    asks every slot once; prints what came, as one JSON object
//   node client.mjs URL leave   streams; gives up at the first line of standard input, and stays until its end
import { File } from "node:buffer";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

globalThis.File ??= File; // node 18 has it, but not where the client looks
const { default: OpenAI } = createRequire(import.meta.url)("openai"); // `import` would not look into NODE_PATH
const [url, what] = process.argv.slice(2);
const client = new OpenAI({ baseURL: url, apiKey: "none", maxRetries: 0, timeout: 60_000 });
const messages = [{ role: "user", content: "w1" }];
const ignore_eos = true; // a random model would end by chance
const tell = (found) => console.log(JSON.stringify(found));

async function all(pages) {
  const found = [];
  for await (const each of pages) found.push(each);
  return found;
}

async function talk() {
  const wish = { messages, max_tokens: 4, ignore_eos };
  const input = ["w1 w2", "w3"];
  const recording = new File([new Uint8Array(400_000)], "a.wav", { type: "audio/wav" });
  const spoken = await client.audio.speech.create({ model: "tts", voice: "af_heart", input: "hello" });
  tell({
    models: (await all(client.models.list())).map((model) => model.id),
    whole: await client.chat.completions.create({ model: "chat", ...wish }),
    pieces: await all(await client.chat.completions.create({ model: "hal0/chat", ...wish, stream: true })),
    completion: await client.completions.create({ model: "chat", prompt: "w1 w2", max_tokens: 3, ignore_eos }),
    vectors: (await client.embeddings.create({ model: "embed", input })).data, // in base64, unless told otherwise
    npu: (await client.embeddings.create({ model: "npu-embed", input })).data, // a server that knows numbers alone
    numbers: (await client.embeddings.create({ model: "embed", input, encoding_format: "float" })).data,
    heard: await client.audio.transcriptions.create({ file: recording, model: "stt" }),
    spoken: Buffer.from(await spoken.arrayBuffer()).toString("latin1"),
    unknown: await client.chat.completions.create({ model: "chta", messages }).catch(refusal),
  });
}

const refusal = (error) => ({
  is: error instanceof OpenAI.NotFoundError && error instanceof OpenAI.APIError,
  status: error.status,
  code: error.code,
  message: error.message,
});

async function leave() {
  const leaving = new AbortController();
  const lines = createInterface({ input: process.stdin });
  lines.once("line", () => leaving.abort());
  const wish = { model: "chat", messages, max_tokens: 100_000, stream: true, ignore_eos };
  let pieces = 0;
  for await (const _ of await client.chat.completions.create(wish, { signal: leaving.signal })) {
    pieces += 1;
    if (pieces === 3) tell({ pieces });
  }
  tell({ aborted: leaving.signal.aborted });
}

await { talk, leave }[what]();
