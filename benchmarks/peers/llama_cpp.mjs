// The work of `cargo xtask bench --greedy` on a GGUF file with llama.cpp, through node-llama-cpp and the binaries that it ships:
//
//     node llama_cpp.mjs MODEL.gguf --work WORK.json --new 32 --threads 2 --repeat 3
//
// WORK.json has the prompts' tokens. 1 row, then 12 rows in one batch (each step decodes one token of every row), greedy, with the
// end tokens taken as any other. Prints one line of JSON.
import fs from "node:fs";
import {fileURLToPath} from "node:url";
import {parseArgs} from "node:util";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const {positionals: [model_path], values} = parseArgs({allowPositionals: true, options: {
    work: {type: "string"}, new: {type: "string", default: "32"}, threads: {type: "string", default: "2"}, repeat: {type: "string", default: "1"}
}});
const [new_tokens, threads, repeat] = [values.new, values.threads, values.repeat].map(Number);
const prompts = JSON.parse(fs.readFileSync(values.work, "utf8")).tokens;
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const seconds = async (work) => {
    const start = performance.now();
    const result = await work();
    return [(performance.now() - start) / 1000, result];
};

const llama = await getLlama({gpu: false, build: "never", maxThreads: threads, logLevel: LlamaLogLevel.error, progressLogs: false});
const [load_s, model] = await seconds(() => llama.loadModel({modelPath: model_path, gpuLayers: 0, useMmap: true}));

/** Each row's new tokens. Rows advance together: a token of each goes into every batch. */
async function generate(rows, count) {
    const longest = Math.max(...rows.map((row) => row.length));
    const context = await model.createContext({
        sequences: rows.length, contextSize: longest + count + 8, batchSize: rows.reduce((sum, row) => sum + row.length, 0), threads: {ideal: threads, min: threads}
    });
    const [whole, texts] = await seconds(() => Promise.all(rows.map(async (row) => {
        const sequence = context.getSequence();
        const text = [];
        for await (const token of sequence.evaluate(row, {temperature: 0, yieldEogToken: true})) {
            text.push(token);
            if (text.length === count)
                break;
        }
        return text;
    })));
    const used = context.currentThreads;
    await context.dispose();
    return {whole, texts, used};
}

const out = {
    tool: "llama.cpp", package: `node-llama-cpp ${version("node-llama-cpp")}`, llama_cpp: llama.llamaCppRelease.release, instructions: instructions(),
    threads, new_tokens, load_s
};
await generate(prompts.slice(0, 1), 2);   // a first pass reads the file into memory
for (const rows of [1, 12]) {
    const chosen = Array.from({length: rows}, (_, row) => prompts[row % prompts.length]);
    const [prefills, wholes] = [[], []];
    for (let round = 0; round < repeat; round++) {
        const before = process.cpuUsage();
        const {texts, whole, used} = await generate(chosen, new_tokens);
        const cpu = process.cpuUsage(before);
        wholes.push(whole);
        prefills.push((await generate(chosen, 1)).whole);
        out[`texts${rows}`] = texts;
        out[`cores_used${rows}`] = (cpu.user + cpu.system) / 1e6 / whole;
        out[`threads_used${rows}`] = used;
    }
    const tokens = chosen.reduce((sum, row) => sum + row.length, 0);
    out[`prefill${rows}_s`] = median(prefills);
    out[`prefill${rows}_tok_s`] = tokens / median(prefills);
    out[`decode${rows}_tok_s`] = rows * (new_tokens - 1) / (median(wholes) - median(prefills));
}
out.peak_rss_bytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify(out));
process.exit(0);

/** The version in the package's own file. */
function version(name) {
    const entry = fileURLToPath(import.meta.resolve(name));
    return JSON.parse(fs.readFileSync(entry.slice(0, entry.lastIndexOf(name)) + name + "/package.json", "utf8")).version;
}

/** Which of its CPU libraries llama.cpp has loaded, as Linux tells, and what that says about itself. */
function instructions() {
    const maps = fs.existsSync("/proc/self/maps") ? fs.readFileSync("/proc/self/maps", "utf8") : "";
    const library = maps.match(/libggml-cpu-?(\w*)\.so/)?.[1] ?? "";
    const on = [...llama.systemInfo.matchAll(/(\w+) = 1/g)].map((match) => match[1]);
    return `${library}: ${on.join(" ")}`;
}
