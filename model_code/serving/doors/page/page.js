
"use strict";
const at = (id) => document.getElementById(id);
const data = JSON.parse(at("data").textContent);
// The page may be asked for without the slash at its end, so nothing is relative to its own address.
const base = location.origin + location.pathname.replace(/\/*$/, "/");
const MANY = 24;
const MOST_BARS = 12;
const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
const ANY_NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const brief = (number) => String(Number(number.toPrecision(6)));

function hintOf(feature) {
  const parts = [];
  if (feature.minimum !== undefined) {
    const unit = feature.unit ? " " + feature.unit : "";
    const range = feature.minimum === feature.maximum ? brief(feature.minimum)
      : brief(feature.minimum) + " to " + brief(feature.maximum);
    parts.push((feature.type === "integer" ? "whole, " : "") + range + unit);
  } else if (feature.unit) parts.push("in " + feature.unit);
  if (feature.missing) parts.push("may be left out");
  return parts.join(", ");
}

// A field shows a feature; its token is what stands for it in JSON.
function makeField(feature, place) {
  const id = "f" + place;
  const hint = element("span", { className: "hint", id: id + "-hint", textContent: hintOf(feature) });
  const error = element("span", { className: "error", id: id + "-error" });
  const label = element("label", { htmlFor: id, textContent: feature.name, title: feature.name });
  let control;
  if (feature.categories) {
    control = element("select");
    if (feature.missing) control.append(element("option", { textContent: "(none)" }));
    for (const text of feature.categories) control.append(element("option", { textContent: text }));
  } else {
    control = element("input", { type: "text", inputMode: "decimal", spellcheck: false, required: !feature.missing });
  }
  control.id = id;
  control.setAttribute("aria-describedby", hint.id + " " + error.id);
  const first = feature.missing ? 1 : 0;
  const field = {
    feature, control,
    box: element("div", { className: "field" }, label, control, hint, error),
    get empty() { return !feature.categories && control.value.trim() === ""; },
    get token() {
      if (feature.categories) {
        const chosen = feature.categories[control.selectedIndex - first];
        return chosen === undefined ? "null" : JSON.stringify(chosen);
      }
      const text = control.value.trim();
      if (text === "") return "null";
      if (JSON_NUMBER.test(text)) return text;
      if (ANY_NUMBER.test(text) && Number.isFinite(Number(text))) return String(Number(text));
      return JSON.stringify(text);
    },
    // What it does not know, it does not take.
    set(value) {
      if (!feature.categories) {
        control.value = value === null ? "" : String(value);
        return true;
      }
      const found = value === null || value === "" ? -1 : feature.categories.indexOf(value);
      if (found < 0 && !(feature.missing && (value === null || value === ""))) return false;
      control.selectedIndex = found + first;
      return true;
    },
    complain(text) {
      error.textContent = text;
      if (text) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    },
    look() {
      const value = Number(control.value);
      const far = !feature.categories && !field.empty && feature.minimum !== undefined &&
        (value < feature.minimum || value > feature.maximum);
      hint.className = far ? "hint far" : "hint";
      hint.textContent = (far ? "beyond training's " : "") + hintOf(feature);
    },
  };
  return field;
}

const fields = data.features.map(makeField);
const tokens = () => fields.map((field) => field.token);
const body = () => "[[" + tokens().join(", ") + "]]";

const quoted = (text) => "'" + text.replace(/'/g, "'\\''") + "'";

function curlLine() {
  const words = ["curl -sS"];
  if (data.auth === "iam") {
    words.push('--aws-sigv4 "aws:amz:' + region() + ':execute-api"',
      '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"', '-H "x-amz-security-token: $AWS_SESSION_TOKEN"');
  }
  if (data.auth === "api_key") words.push('-H "x-api-key: $API_KEY"');
  words.push("-H 'Content-Type: application/json'", "-d " + quoted(body()), quoted(base + "predict"));
  return words.join(" ");
}

function region() {
  const found = /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com/.exec(location.hostname);
  return found ? found[1] : "${AWS_REGION:-us-east-1}";
}

function pythonLines() {
  const row = tokens().map((token) => (token === "null" ? "None" : token)).join(", ");
  const url = JSON.stringify(base + "predict");
  const lines = ["rows = [[" + row + "]]"];
  if (data.auth === "iam") {
    return ["import json", "from urllib.request import Request, urlopen", "",
      "from botocore.auth import SigV4Auth", "from botocore.awsrequest import AWSRequest",
      "from botocore.session import Session", "", ...lines,
      "session = Session()", "body = json.dumps(rows)",
      "signed = AWSRequest(\"POST\", " + url + ", {\"Content-Type\": \"application/json\"}, body)",
      "region = session.get_config_variable(\"region\")",
      "SigV4Auth(session.get_credentials(), \"execute-api\", region).add_auth(signed)",
      "with urlopen(Request(signed.url, body.encode(), dict(signed.headers))) as answer:",
      "    print(json.load(answer))"].join("\n");
  }
  const key = data.auth === "api_key" ? ", \"x-api-key\": os.environ[\"API_KEY\"]" : "";
  return ["import json", ...(key ? ["import os"] : []), "from urllib.request import Request, urlopen", "", ...lines,
    "headers = {\"Content-Type\": \"application/json\"" + key + "}",
    "request = Request(" + url + ", json.dumps(rows).encode(), headers)",
    "with urlopen(request) as answer:", "    print(json.load(answer))"].join("\n");
}

function refresh() {
  at("curl").textContent = curlLine();
  at("python").textContent = pythonLines();
}

const show = (...children) => at("answer").replaceChildren(...children);

function refuse(text, hint = "") {
  show(element("div", { className: "refused" }, element("p", { textContent: text }),
    ...(hint ? [element("p", { className: "hint", textContent: hint })] : [])));
}

function bars(shares) {
  const all = Object.entries(shares);
  const shown = all.length > MOST_BARS ? all.sort((one, other) => other[1] - one[1]).slice(0, MOST_BARS) : all;
  const list = element("ul", { className: "bars" });
  list.setAttribute("aria-label", "Probabilities");
  for (const [name, share] of shown) {
    const bar = element("span");
    bar.style.width = 100 * share + "%";
    const track = element("span", { className: "track" }, bar);
    track.setAttribute("aria-hidden", "true");
    list.append(element("li", {}, element("span", { className: "name", textContent: name }), track,
      element("span", { className: "share", textContent: (100 * share).toFixed(1) + " %" })));
  }
  if (shown.length === all.length) return [list];
  const rest = "and " + (all.length - shown.length) + " less likely classes";
  return [list, element("p", { className: "hint", textContent: rest })];
}

function accept(answer, milliseconds) {
  const predictions = Array.isArray(answer) ? answer : answer && answer.predictions;
  const prediction = Array.isArray(predictions) ? predictions[0] : answer;
  const text = typeof prediction === "object" ? JSON.stringify(prediction) : String(prediction);
  show(element("p", { className: "result" }, data.label + ": ",
    element("strong", { id: "prediction", textContent: text })),
  ...(answer && answer.probabilities ? bars(answer.probabilities[0]) : []),
  element("p", { className: "hint", textContent: "answered in " + milliseconds.toFixed(0) + " ms" }));
}

function complain(error, status) {
  const field = fields.find((one) => one.feature.name === error.column);
  refuse(error.message || "The answer has status " + status + ".",
    [error.hint, error.request_id && "Request " + error.request_id].filter(Boolean).join(" "));
  if (field) {
    field.complain(error.message + (error.hint ? " " + error.hint : ""));
    field.control.focus();
  }
}

async function predict() {
  fields.forEach((field) => field.complain(""));
  const empty = fields.filter((field) => field.empty && !field.feature.missing);
  if (empty.length) {
    empty.forEach((field) => field.complain("Fill in a number."));
    refuse(empty.length === 1 ? "One field is empty." : empty.length + " fields are empty.");
    empty[0].control.focus();
    return;
  }
  const headers = { "Content-Type": "application/json" };
  if (data.auth === "api_key" && at("key").value) headers["x-api-key"] = at("key").value;
  at("predict").disabled = true;
  const began = performance.now();
  try {
    const route = data.probabilities ? "probabilities" : "predict";
    const response = await fetch(base + route, { method: "POST", headers, body: body() });
    const text = await response.text();
    let answer;
    try { answer = JSON.parse(text); } catch { answer = undefined; }
    if (response.ok && answer !== undefined) accept(answer, performance.now() - began);
    else complain((answer && answer.error) || { message: answer && answer.message }, response.status);
  } catch (error) {
    refuse("No answer came: " + error.message);
  } finally {
    at("predict").disabled = false;
  }
}

// RFC 4180, rows ended by a newline.
function readCsv(text) {
  const rows = [];
  let row = [];
  const cell = /[ \t]*"((?:[^"]|"")*)"[ \t]*(,|\r?\n|$)|([^,\r\n]*)(,|\r?\n|$)/y;
  for (let match; cell.lastIndex <= text.length && (match = cell.exec(text));) {
    row.push(match[1] === undefined ? match[3].trim() : match[1].replace(/""/g, '"'));
    const end = match[1] === undefined ? match[4] : match[2];
    if (end === ",") continue;
    rows.push(row);
    row = [];
    if (end === "") return rows;
  }
  return rows;
}

function take() {
  const rows = readCsv(at("line").value.trim());
  const known = new Map(fields.map((field) => [field.feature.name, field]));
  const named = rows.length > 1 && rows[0].some((cell) => known.has(cell));
  const order = named ? rows[0].map((cell) => known.get(cell)) : fields;
  const cells = rows[named ? 1 : 0] || [];
  const wanted = named ? rows[0].length : fields.length;
  let wrong = cells.length === wanted ? "" : "The row has " + cells.length + " cells; " + wanted + " are wanted.";
  const refused = wrong ? undefined : order.find((field, place) => field && !field.set(cells[place]));
  if (refused) wrong = refused.feature.name + " has no such category.";
  at("line-error").textContent = wrong;
  fields.forEach((field) => { field.complain(""); field.look(); });
  refresh();
}

async function copy(button) {
  const source = at(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    at("copied").textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(source);
    at("copied").textContent = "Selected; copy it with the keyboard.";
  }
}

let example = -1;
function another() {
  example = (example + 1) % data.examples.length;
  fields.forEach((field, place) => {
    field.set(data.examples[example][place]);
    field.complain("");
    field.look();
  });
  refresh();
}

at("model").textContent = data.model;
at("version").textContent = data.version;
at("about").textContent = "Predicts " + data.label + " from " +
  (fields.length === 1 ? fields[0].feature.name : fields.length + " features") + ".";
at("description").href = base + "openapi.json";
at("fields").className = fields.length > MANY ? "many" : "";
at("fields").append(...fields.map((field) => field.box));
at("another").hidden = data.examples.length < 2;
at("signed").hidden = data.auth !== "iam";
at("predict").hidden = data.auth === "iam";
at("key-field").hidden = data.auth !== "api_key";
at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (data.auth !== "iam") predict();
});
at("fields").addEventListener("input", (event) => {
  const field = fields[Number(event.target.id.slice(1))];
  field.complain("");
  field.look();
  refresh();
});
at("another").addEventListener("click", another);
at("take").addEventListener("click", take);
for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button));
another();
at("form").hidden = at("lines").hidden = false;
