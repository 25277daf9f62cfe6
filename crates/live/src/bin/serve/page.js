"use strict";
const facts = JSON.parse(document.getElementById("facts").textContent);
const token = new URLSearchParams(location.search).get("token");
const element = (id) => document.getElementById(id);
const names = { model: "Model", user: "User" };
const other = { model: "user", user: "model" };

// Each column has its own turns: what is typed is the same in both, the answers are its own.
const columns = [
  { element: element("plain"), turns: [], steering: () => [] },
  { element: element("steered"), turns: [], steering: () => steering() },
];
let opens = "model";
let draw = 0;
let running = null;
let timer = null;

// ---- Sliders

function slider(row, name, words, range) {
  const label = document.createElement("label");
  label.dataset.name = words;
  const input = document.createElement("input");
  Object.assign(input, { type: "range", ...range });
  input.setAttribute("aria-label", `${name}: ${words}`);
  const output = document.createElement("output");
  label.append(input, output);
  row.append(label);
  return { input, output };
}

const vectors = facts.vectors.map(({ name, norms }) => {
  const row = document.createElement("div");
  row.className = "vector";
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", name);
  const title = document.createElement("b");
  title.textContent = name;
  row.append(title);
  const coefficient = slider(row, name, "coefficient", { min: -2, max: 2, step: 0.05, value: 0 });
  coefficient.input.setAttribute("list", "zero");
  const layer = slider(row, name, "layer", { min: 0, max: facts.layers - 1, step: 1, value: 0 });
  const vector = { name, norms, coefficient, layer };
  for (const { input } of [coefficient, layer]) {
    input.addEventListener("input", () => {
      show(vector);
      // A layer matters only where something is added.
      if (input === coefficient.input || Number(coefficient.input.value) !== 0) later();
    });
  }
  element("vectors").append(row);
  return vector;
});

function signed(number) {
  return (number > 0 ? "+" : number < 0 ? "−" : "") + Math.abs(number).toFixed(2);
}

function show({ coefficient, layer, norms, name }) {
  const number = Number(coefficient.input.value);
  coefficient.output.textContent = signed(number);
  layer.output.textContent = layer.input.value;
  const relative = norms[Number(layer.input.value)] * Math.abs(number);
  coefficient.input.setAttribute("aria-valuetext", `${signed(number)}, ${relative.toFixed(2)} residual norms`);
  const words = vectors.filter((vector) => Number(vector.coefficient.input.value) !== 0).map((vector) => {
    const at = Number(vector.layer.input.value);
    const size = vector.norms[at] * Math.abs(Number(vector.coefficient.input.value));
    return `${signed(Number(vector.coefficient.input.value))} ${vector.name} at layer ${at} (${size.toFixed(2)} residual norms)`;
  });
  element("steering").textContent = words.join("; ") || "nothing is added";
}

function steering() {
  const set = vectors.map(({ name, coefficient, layer }) => ({
    vector: name, layer: Number(layer.input.value), coef: Number(coefficient.input.value),
  }));
  return set.filter(({ coef }) => coef !== 0);
}

function setAll(coefficientOf) {
  for (const vector of vectors) {
    vector.coefficient.input.value = coefficientOf(vector);
    show(vector);
  }
}

// ---- Conversations

function begin() {
  stop();
  draw = 0;
  for (const column of columns) {
    column.turns = facts[opens].turns.map((turn) => ({ ...turn }));
    render(column);
  }
  element("who").textContent = `The ${other[opens]} says`;
  say("");
  buttons();
}

function render(column) {
  const turns = column.turns.map((turn) => {
    const block = said(names[turn.speaker], marked(turn));
    block.classList.toggle("own", turn.speaker === opens);
    block.classList.toggle("pending", Boolean(turn.pending));
    return block;
  });
  const { system } = facts[opens];
  column.element.replaceChildren(...(system ? [said("Instructions", [system])] : []), ...turns);
  column.element.setAttribute("aria-busy", column.turns.some((turn) => turn.pending));
}

function said(name, words) {
  const block = document.createElement("div");
  block.className = "turn";
  const who = document.createElement("span");
  who.textContent = name;
  const text = document.createElement("p");
  text.append(...words);
  block.append(who, text);
  return block;
}

// The words of an answer. Once it has ended, those that the answer beside it does not have there are in marks: the server says
// which.
function marked(turn) {
  if (!turn.spans) return [turn.text];
  return turn.spans.map(({ text, differs }) => {
    if (!differs) return text;
    const mark = document.createElement("mark");
    mark.textContent = text;
    return mark;
  });
}

const last = (column) => column.turns[column.turns.length - 1];
const isAnswered = (column) => last(column)?.speaker === opens;
const isPending = (column) => Boolean(last(column)?.pending);

// What the steered answer is compared with: the plain one, which is asked for too or there already.
function reference(asked) {
  const place = asked.indexOf(columns[0]);
  return place === -1 ? last(columns[0]).text : place;
}

// Answers the last words of these columns again, and of those that have not ended.
function ask(wanted) {
  running?.abort();
  const asked = columns.filter((column) => wanted.includes(column) || isPending(column));
  for (const column of asked) {
    if (isAnswered(column)) column.turns.pop();
  }
  const question = {
    opens,
    answers: asked.map((column) => ({
      system: facts[opens].system,
      turns: column.turns.map(({ speaker, text }) => ({ speaker, text })),
      steering: column.steering(),
      reference: column === columns[0] ? null : reference(asked),
    })),
    max_new_tokens: Number(element("limit").value),
    draw: element("sample").checked ? draw : null,
  };
  for (const column of asked) {
    column.turns.push({ speaker: opens, text: "", pending: true });
    render(column);
  }
  const mine = new AbortController();
  running = mine;
  say("answering…");
  buttons();
  read(question, asked, mine).then(
    (words) => done(mine, words, false),
    (error) => done(mine, error.message, true),
  );
}

async function read(question, asked, mine) {
  const answer = await fetch(`answer?token=${token}`, {
    method: "POST", body: JSON.stringify(question), headers: { "Content-Type": "application/json" }, signal: mine.signal,
  });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the server has stopped");
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const event = JSON.parse(line);
      if (mine.signal.aborted) return "";
      if (event.error) throw new Error(event.error);
      if (event.ended) return ended(event.ended, asked);
      if (event.text) grow(asked[event.answer], event.text);
    }
  }
}

function grow(column, text) {
  last(column).text += text;
  column.element.lastElementChild.lastElementChild.textContent = last(column).text;
}

function ended(answers, asked) {
  asked.forEach((column, place) => { last(column).spans = answers[place].spans; });
  const tokens = answers.reduce((sum, answer) => sum + answer.tokens, 0);
  const cut = answers.some((answer) => answer.finish === "length");
  return `${tokens} tokens${cut ? ", cut at the limit" : ""}`;
}

// A later question has taken this one's place where `running` is another.
function done(mine, words, failed) {
  if (running !== mine) return;
  running = null;
  if (failed) takeBack();
  settle();
  say(words, failed);
}

// Words that were not answered at all are there again to be mended.
function takeBack() {
  if (!columns.every((column) => isPending(column) && !last(column).text)) return;
  for (const column of columns) {
    column.turns.pop();
    element("text").value = column.turns.pop().text;
    render(column);
  }
}

function settle() {
  const asked = columns.filter(isPending);
  for (const column of asked) last(column).pending = false;
  asked.forEach(render);
  buttons();
}

function stop() {
  clearTimeout(timer);
  if (!running) return;
  running.abort();
  running = null;
  settle();
  say("stopped");
}

// Sliders move through many values; the one where they rest is meant.
function later() {
  clearTimeout(timer);
  if (!isAnswered(columns[1])) return;
  timer = setTimeout(() => ask([columns[1]]), 180);
}

// ---- Buttons

function say(words, failed = false) {
  element("status").textContent = words;
  element("status").classList.toggle("bad", failed);
}

function buttons() {
  element("stop").disabled = running === null;
  element("again").disabled = !isAnswered(columns[1]);
}

element("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = element("text").value.trim();
  if (!text) return;
  stop();
  draw = 0;
  element("text").value = "";
  for (const column of columns) column.turns.push({ speaker: other[opens], text });
  ask(columns);
});
element("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    element("say").requestSubmit();
  }
});
element("again").addEventListener("click", () => { draw += 1; ask(columns); });
element("stop").addEventListener("click", stop);
element("reset").addEventListener("click", begin);
element("off").addEventListener("click", () => { setAll(() => 0); later(); });
element("sample").addEventListener("change", () => { if (isAnswered(columns[1])) ask(columns); });
for (const input of document.getElementsByName("opens")) {
  input.addEventListener("change", () => { opens = input.value; suggest(); begin(); });
}

// What the stage dose chose, if it has: toward the other speaker.
function suggest() {
  for (const vector of vectors) vector.layer.input.value = facts[opens].layer;
  setAll((vector) => (vector.name === "contrast" ? facts[opens].coefficient : 0));
}

element("limit").value = facts.max_new_tokens;
suggest();
begin();
